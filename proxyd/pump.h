// Shell. Moves body bytes from one connection to the other.
#pragma once

#include <memory>
#include <string_view>

#include "common/event/buffer.h"
#include "common/event/stream.h"
#include "common/os/splice_pipe.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/rewrite.h"
#include "proxyd/core/steps.h"

namespace hpp::proxyd {

// A buffer that waits to be written takes no more bytes beyond this: backpressure.
constexpr std::size_t kOutputMax = 256 * 1024;
// A buffer that waits to be moved on takes no more from its socket beyond this.
constexpr std::size_t kInputMax = 64 * 1024;

// Moves what `body` lets pass, as long as `to` has room. Whole chains change hands; nothing is
// allocated per chunk.
template <bool is_request>
Pumped pump(Buffer& from, Buffer& to, BodyFramer<is_request>& body, Delivery::Coding coding);

// One chunk with that content, of which there must be some.
void append_chunk(Buffer& to, std::string_view content);

// Ends a body that was given Coding::Chunk.
void append_last_chunk(Buffer& to);

// Joins the `size` bytes at the front, the piece of a chunk line, with what lies behind them.
// False: nothing does.
bool join_more(Buffer& from, std::size_t size);

// One body on its way from one connection to another. A long one without framing inside takes a
// shortcut: from socket to socket in the kernel, by splice(2), which saves both copies.
class BodyPump {
 public:
  // `pipes` must outlive the pump.
  explicit BodyPump(SplicePipes& pipes) : pipes_(pipes) {}

  ~BodyPump();
  BodyPump(const BodyPump&) = delete;
  BodyPump& operator=(const BodyPump&) = delete;

  // Moves what can be moved now. Over and Broken: nothing of the body is in the pump any more.
  template <bool is_request>
  Pumped pump(Stream& from, Stream& to, BodyFramer<is_request>& body, Delivery::Coding coding);

  // Whether bytes have left `from` that have not reached `to`, nor its buffer.
  bool holds_bytes() const { return pipe_ && pipe_->held() > 0; }

  // Between the first byte that took the shortcut and the last.
  bool is_on_shortcut() const { return pipe_ != nullptr; }

  // Passes on what is on the shortcut; the bytes after that are for the buffers again. False: `to`
  // takes no more now, and on_output_progress follows.
  bool leave_shortcut(Stream& from, Stream& to);

  // The body goes no further; what is on its way is lost. `from` is read as before.
  void abandon(Stream& from);

 private:
  template <bool is_request>
  Pumped splice(Stream& from, Stream& to, BodyFramer<is_request>& body);

  SplicePipes& pipes_;
  std::unique_ptr<SplicePipe> pipe_;  // while on the shortcut
};

extern template Pumped pump(Buffer&, Buffer&, BodyFramer<true>&, Delivery::Coding);
extern template Pumped pump(Buffer&, Buffer&, BodyFramer<false>&, Delivery::Coding);
extern template Pumped BodyPump::pump(Stream&, Stream&, BodyFramer<true>&, Delivery::Coding);
extern template Pumped BodyPump::pump(Stream&, Stream&, BodyFramer<false>&, Delivery::Coding);

}  // namespace hpp::proxyd
