// One connection: reads into one buffer, writes from another, and reports events to its owner. A
// transport (transport.h) carries the bytes; the stream decides when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/event/buffer.h"
#include "common/event/loop.h"
#include "common/event/transport.h"
#include "common/os/splice_pipe.h"
#include "common/os/unique_fd.h"

namespace hpp {

// The events that a stream reports to its owner. They are called from the loop only, never during a
// call of the stream's own methods. The owner must not destroy the stream during an event, but can
// use Loop::bury().
class StreamListener {
 public:
  // New bytes are in input(), or in the socket if the stream is spliced.
  virtual void on_input() = 0;

  // The peer has ended its direction (FIN). No more on_input follows; output is still possible.
  virtual void on_input_ended() = 0;

  // The peer's FIN or a reset has come, perhaps after bytes that are unread because reading is
  // paused.
  virtual void on_end_in_sight() {}

  // All or a part of the output that had to wait has been written.
  virtual void on_output_progress() = 0;

  // The connection is broken (reset, timeout, …): neither direction works. Nothing follows.
  // `error` is an errno value.
  virtual void on_broken(int error) = 0;

 protected:
  ~StreamListener() = default;
};

// Edge-triggered (epoll(7)): the kernel reports each change once. A paused stream costs nothing and
// still gets a FIN or a reset, and the loop need not change what it waits for.
class Stream {
 public:
  // Reading starts at once. `loop` and `listener` must outlive the stream.
  Stream(Loop& loop, std::unique_ptr<Transport> transport, StreamListener& listener);

  // Uses a plain socket, which must be connected and non-blocking.
  Stream(Loop& loop, UniqueFd fd, StreamListener& listener);

  // Takes over the connection of another stream, including its input and output; further events go
  // to `listener`. After that, `from` can only be destroyed. Must not be used during an event of
  // `from`; use Loop::later().
  Stream(Stream& from, StreamListener& listener);
  ~Stream();

  Buffer& input() { return input_; }

  const Buffer& input() const { return input_; }

  Buffer& output() { return output_; }

  const Buffer& output() const { return output_; }

  // Writes as much of output() as possible now, and the rest when the socket takes more. If writing
  // fails, output is discarded from then on, but the bytes that the peer sent before are still read
  // until the end of input. If the input has already ended, on_broken follows.
  void flush();

  // Resumes or pauses reading, for backpressure. Has no effect on a spliced stream: to pause it,
  // the owner does not call fill_pipe().
  void read_while(bool wanted);

  // Reads the bytes that have come, without calling on_input. For an owner that is about to close
  // the stream. Returns whether any bytes came.
  bool read_now();

  // Whether fill_pipe() and drain_pipe() may be called.
  bool may_splice() const { return transport_->may_splice(); }

  // Sets whether input stays in the socket, from which the owner moves it with fill_pipe(). input()
  // must be empty.
  void set_spliced(bool spliced);

  // Moves up to `max` bytes of a spliced stream's input into an empty pipe. Returns false if there
  // are no bytes now. Then on_input() follows when more come, unless input_ended() or is_broken().
  bool fill_pipe(SplicePipe& pipe, std::size_t max);

  // Moves the bytes of the pipe to the peer; output() must be empty. Returns false if the socket
  // is full; then on_output_progress() follows. If takes_output() is false, leaves the bytes in the
  // pipe and returns true.
  bool drain_pipe(SplicePipe& pipe);

  // Calls on_input again in the next turn of the loop if fill_pipe() may find more. For an owner
  // that stops in between so that other connections get their turn.
  void continue_later();

  // Sends an acknowledgement that the kernel would delay (tcp(7), TCP_QUICKACK).
  void acknowledge_now();

  // Ends our direction (FIN) once output() is written.
  void finish_output();

  // Whether the peer's FIN or reset has come by now. Asks the kernel, because the loop may not have
  // reported the event yet.
  bool has_ended_by_now() const;

  // Whether there are no unread bytes, and neither a FIN nor a reset has come by now. Asks the
  // kernel.
  bool is_quiet_by_now() const;

  // Makes the stream end with a reset (RST) when it is closed. There is no TIME_WAIT then, and the
  // peer does not take the bytes that it has received for complete.
  void reset_on_close();

  // Like reset_on_close(), until finish_output() has handed all output to the kernel. If this
  // process is killed, the kernel closes its sockets. If the end of the connection is the end of a
  // message, a FIN would make the truncated message look complete.
  void reset_unless_finished();

  bool input_ended() const { return input_ended_; }

  // Whether the peer's FIN or reset has come. There may be unread bytes before it.
  bool end_in_sight() const { return end_near_; }

  // Whether the connection was reset. There may be unread bytes before the reset.
  bool reset_in_sight() const { return error_ != 0; }

  // Whether input() is empty and the socket has no unread bytes, as far as the loop has reported
  // them. Then a close does not send a reset.
  bool all_is_read() const { return input_.empty() && (!may_read_ || input_ended_); }

  bool is_broken() const { return broken_; }

  // Whether output can still be sent to the peer.
  bool takes_output() const { return !output_refused_ && !broken_; }

  // Whether the kernel has taken all of output().
  bool output_done() const { return output_.empty(); }

  // The socket, for questions to the kernel.
  int fd() const { return transport_->fd(); }

 private:
  enum class Reading : std::uint8_t { Paused, Buffered, Spliced };

  static void on_event(int, short what, void* self) noexcept;
  static void on_writable(int, short, void* self) noexcept;

  std::unique_ptr<Transport> release();
  void handle_readable(short what);
  void look_for_end();
  void read_and_report();
  std::size_t read_some();
  ssize_t read_through_scratch();
  ssize_t read_directly();
  void no_input(ssize_t got, int error);
  void set_reading(Reading reading);
  void write_some();
  void wait_writable();
  void stop_writing(int error);
  void fail(int error);

  Loop& loop_;
  StreamListener& listener_;
  std::unique_ptr<Transport> transport_;
  Buffer input_;
  Buffer output_;
  EventPtr readable_;  // reports input; made active to report an error from the loop
  std::optional<Reactivation> read_again_;  // makes readable_ active without the kernel
  EventPtr writable_;                       // nullptr: the socket has always taken all output
  int error_ = 0;                           // the connection's error; unread bytes may precede it
  std::uint32_t read_size_;
  Reading reading_ = Reading::Buffered;
  bool may_read_ = false;  // since the last edge, no read has found the socket empty
  bool end_near_ = false;  // the peer's FIN or reset has come; there may be unread bytes before it
  bool input_ended_ = false;
  bool output_ending_ = false;
  bool output_ended_ = false;
  bool resets_unless_finished_ = false;
  bool output_refused_ = false;
  bool waiting_to_write_ = false;
  bool broken_ = false;
  bool break_reported_ = false;
};

}  // namespace hpp
