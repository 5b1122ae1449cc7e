// One connected socket: reads into a buffer, writes from another, says when something happened.
#pragma once

#include <cstddef>

#include "common/event/buffer.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"

namespace hpp {

// What a stream tells its owner. Called from the loop only, never from inside a call of the
// stream's own methods. The owner must not destroy the stream inside a call: Loop::bury.
class StreamListener {
 public:
  // New bytes are in input().
  virtual void on_input() = 0;

  // The peer has ended its direction (FIN). No more on_input follows; output still flows.
  virtual void on_input_ended() = 0;

  // Output that had to wait has been written, all or some of it.
  virtual void on_output_progress() = 0;

  // The connection is broken (reset, timeout, …): neither direction works. Nothing follows.
  // `error` is an errno value.
  virtual void on_broken(int error) = 0;

 protected:
  ~StreamListener() = default;
};

class Stream {
 public:
  // Takes over a connected, non-blocking socket. Reading starts at once.
  // `loop` and `listener` must outlive the stream.
  Stream(Loop& loop, UniqueFd fd, StreamListener& listener);

  Buffer& input() { return input_; }

  Buffer& output() { return output_; }

  // Writes what it can of output() now and the rest when the socket takes more. A peer that takes
  // no more may have said something before it left: output is thrown away from then on, and input
  // goes on to its end. Where nothing can come in any more, on_broken follows.
  void flush();

  // Pauses and resumes reading: backpressure. A paused stream does not notice a FIN.
  void read_while(bool wanted);

  // Ends our direction (FIN) once output() is written.
  void finish_output();

  // Makes the close of this stream a reset (RST): no TIME_WAIT, and the peer cannot take what it
  // got for complete.
  void reset_on_close();

  bool input_ended() const { return input_ended_; }

  bool is_broken() const { return broken_; }

  // Whether all that was given to output() has been handed to the kernel.
  bool output_done() const { return output_.empty(); }

 private:
  static void on_event(int, short what, void* self) noexcept;
  static void on_late_error(int, short, void* self) noexcept;

  void handle_readable();
  void write_some();
  void stop_writing(int error);
  void fail(int error);

  StreamListener& listener_;
  UniqueFd fd_;
  Buffer input_;
  Buffer output_;
  EventPtr readable_;
  EventPtr writable_;
  EventPtr failed_;  // activated to tell of an error outside of the call that met it
  std::size_t read_size_;
  int error_ = 0;
  bool reading_ = true;
  bool input_ended_ = false;
  bool output_ending_ = false;
  bool output_ended_ = false;
  bool output_refused_ = false;
  bool waiting_to_write_ = false;
  bool broken_ = false;
};

}  // namespace hpp
