// Shell. Moves body bytes from one connection to the other.
#pragma once

#include <memory>
#include <string_view>

#include "common/event/buffer.h"
#include "common/event/stream.h"
#include "common/os/splice_pipe.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/body_copy.h"
#include "proxyd/core/http/rewrite.h"
#include "proxyd/core/steps.h"

namespace hpp::proxyd {

// An output buffer with this many bytes is full (backpressure).
constexpr std::size_t kOutputMax = 256 * 1024;
// An input buffer with this many bytes is full: its socket is not read.
constexpr std::size_t kInputMax = 64 * 1024;

// Moves body bytes from `from` to `to`, as `body` says, as long as `to` has room. Moves whole
// pieces of the buffer without a copy, and allocates nothing per chunk. `copy`: gets the bytes as
// they came, with their framing even if it is not passed on. Malformed framing is corrected.
template <bool is_request>
Pumped pump(Buffer& from, Buffer& to, BodyFramer<is_request>& body, Delivery::Coding coding,
            BodyCopy* copy = nullptr);

// Copies the bytes of one step, which are at the front of `from`.
void copy_step(const Buffer& from, const BodyStep& step, BodyCopy* copy);

// Appends one chunk. `content` must not be empty, because an empty chunk ends the body.
void append_chunk(Buffer& to, std::string_view content);

// Appends the last chunk, which ends a body with Coding::Chunk.
void append_last_chunk(Buffer& to);

// Joins the first `size` bytes, an incomplete chunk line, with the bytes after them. Returns false
// if there are none.
bool join_more(Buffer& from, std::size_t size);

// Moves one body from one connection to another. A long body without framing takes a shortcut: it
// is moved from socket to socket inside the kernel, by splice(2), which saves both copies.
class BodyPump {
 public:
  // `pipes` must outlive the pump.
  explicit BodyPump(SplicePipes& pipes) : pipes_(pipes) {}

  ~BodyPump();
  BodyPump(const BodyPump&) = delete;
  BodyPump& operator=(const BodyPump&) = delete;

  // Moves as many bytes as possible now. After Over or Broken, the pump holds no bytes of the body.
  // `copy`: gets the bytes, too, unless they take the shortcut. A body that may end at any time
  // takes it only when the copy is full.
  template <bool is_request>
  Pumped pump(Stream& from, Stream& to, BodyFramer<is_request>& body, Delivery::Coding coding,
              BodyCopy* copy = nullptr);

  // Whether the pump holds bytes that have left `from`, but have not reached `to` or its buffer.
  bool holds_bytes() const { return pipe_ && pipe_->held() > 0; }

  // Whether the body is being moved by splice(2) now.
  bool is_on_shortcut() const { return pipe_ != nullptr; }

  // Writes the bytes that the pump holds, and uses the buffers again after that. Returns false if
  // `to` is full; then the owner must call it again after on_output_progress.
  bool leave_shortcut(Stream& from, Stream& to);

  // Ends the transfer; the bytes that the pump holds are lost. `from` uses its buffer again.
  void abandon(Stream& from);

 private:
  template <bool is_request>
  Pumped splice(Stream& from, Stream& to, BodyFramer<is_request>& body);

  SplicePipes& pipes_;
  std::unique_ptr<SplicePipe> pipe_;  // set while the body is moved by splice(2)
};

extern template Pumped pump(Buffer&, Buffer&, BodyFramer<true>&, Delivery::Coding, BodyCopy*);
extern template Pumped pump(Buffer&, Buffer&, BodyFramer<false>&, Delivery::Coding, BodyCopy*);
extern template Pumped BodyPump::pump(Stream&, Stream&, BodyFramer<true>&, Delivery::Coding,
                                      BodyCopy*);
extern template Pumped BodyPump::pump(Stream&, Stream&, BodyFramer<false>&, Delivery::Coding,
                                      BodyCopy*);

}  // namespace hpp::proxyd
