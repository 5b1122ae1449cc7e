// Shell. Moves body bytes from one connection's buffer to the other's.
#pragma once

#include "common/event/buffer.h"
#include "proxyd/core/http_body.h"
#include "proxyd/core/rewrite.h"

namespace hpp::proxyd {

// A buffer that waits to be written takes no more bytes beyond this: backpressure.
constexpr std::size_t kOutputMax = 256 * 1024;
// A buffer that waits to be moved on takes no more from its socket beyond this.
constexpr std::size_t kInputMax = 64 * 1024;

enum class Pumped {
  MayGoOn,  // all that can be moved now is moved
  Over,     // the body has ended
  Broken,   // its framing is wrong
};

// Moves what `body` lets pass, as long as `to` has room. Whole chains change hands; nothing is
// allocated per chunk.
template <bool is_request>
Pumped pump(Buffer& from, Buffer& to, BodyFramer<is_request>& body, Delivery::Coding coding);

// Ends a body that was given Coding::Chunk.
void append_last_chunk(Buffer& to);

extern template Pumped pump(Buffer&, Buffer&, BodyFramer<true>&, Delivery::Coding);
extern template Pumped pump(Buffer&, Buffer&, BodyFramer<false>&, Delivery::Coding);

}  // namespace hpp::proxyd
