// One connection: reads into a buffer, writes from another, and tells its owner what happened. A
// transport (transport.h) carries the bytes; the stream decides when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/event/buffer.h"
#include "common/event/loop.h"
#include "common/event/transport.h"
#include "common/os/peer_sockets.h"
#include "common/os/splice_pipe.h"
#include "common/os/unique_fd.h"

namespace hpp {

// What a stream tells its owner. Called from the loop only, never from inside a call of the
// stream's own methods. The owner must not destroy the stream inside a call: Loop::bury.
class StreamListener {
 public:
  // New bytes are in input(); of a stream that is spliced, they are in the socket.
  virtual void on_input() = 0;

  // The peer has ended its direction (FIN). No more on_input follows; output still flows.
  virtual void on_input_ended() = 0;

  // The peer's FIN, or a reset, has come behind bytes that wait because reading is paused.
  virtual void on_end_in_sight() {}

  // Output that had to wait has been written, all or some of it.
  virtual void on_output_progress() = 0;

  // The connection is broken (reset, timeout, …): neither direction works. Nothing follows.
  // `error` is an errno value.
  virtual void on_broken(int error) = 0;

 protected:
  ~StreamListener() = default;
};

// Edge-triggered: the kernel tells of each change once, so that a paused stream costs nothing and
// still learns of a FIN or a reset, and no readiness is asked for again and again (epoll(7)).
class Stream {
 public:
  // Reading starts at once. `loop` and `listener` must outlive the stream.
  Stream(Loop& loop, std::unique_ptr<Transport> transport, StreamListener& listener);

  // The same for a plain socket, connected and non-blocking.
  Stream(Loop& loop, UniqueFd fd, StreamListener& listener);

  // Takes over the connection of another stream, with what that has read and what it has not
  // written yet; `listener` is told of what comes from now on. `from` can only be destroyed then.
  // Not inside a call of its listener's: Loop::later.
  Stream(Stream& from, StreamListener& listener);
  ~Stream();

  Buffer& input() { return input_; }

  const Buffer& input() const { return input_; }

  Buffer& output() { return output_; }

  const Buffer& output() const { return output_; }

  // Writes what it can of output() now and the rest when the socket takes more. A peer that takes
  // no more may have said something before it left: output is thrown away from then on, and input
  // goes on to its end. Where nothing can come in any more, on_broken follows.
  void flush();

  // Pauses and resumes reading: backpressure. A spliced stream is paused by its owner, who does not
  // fill_pipe().
  void read_while(bool wanted);

  // Reads what has come by now and tells nobody: for an owner who would close otherwise. Returns
  // whether anything has come.
  bool read_now();

  // Whether fill_pipe() and drain_pipe() may be called.
  bool may_splice() const { return transport_->may_splice(); }

  // From now on input stays in the socket, and the owner moves it by fill_pipe(); or no longer. Not
  // for a stream whose input() holds something.
  void set_spliced(bool spliced);

  // Moves up to `max` bytes of a spliced stream's input into an empty pipe. False: nothing is there
  // now; on_input() follows when more comes, or input_ended() or is_broken() says why nothing will.
  bool fill_pipe(SplicePipe& pipe, std::size_t max);

  // Moves the bytes of the pipe to the peer; output() must be empty. False: the socket takes no
  // more now; on_output_progress() follows. If the peer has stopped taking output, the bytes stay
  // in the pipe, and true is returned.
  bool drain_pipe(SplicePipe& pipe);

  // Calls on_input again in the next turn of the loop if fill_pipe() may find more: for an owner
  // that leaves off so that others get their turn.
  void continue_later();

  // Sends an acknowledgement that the kernel would delay (tcp(7), TCP_QUICKACK).
  void acknowledge_now();

  // Ends our direction (FIN) once output() is written.
  void finish_output();

  // Whether the peer's FIN or reset has come, as of now: asks the kernel, whose news may be on its
  // way.
  bool has_ended_by_now() const;

  // Whether neither a byte nor an end has come that was not taken, likewise.
  bool is_quiet_by_now() const;

  // Whether no process has the peer's end any more.
  bool is_abandoned(PeerSockets& peers) const { return peers.is_orphan(fd()); }

  // Makes the close of this stream a reset (RST): no TIME_WAIT, and the peer cannot take what it
  // got for complete.
  void reset_on_close();

  // Makes it a reset until finish_output() has handed all output to the kernel. The kernel closes
  // the sockets of a process that is killed, too, and where only the end of the connection ends a
  // message, a FIN would make a part of it pass for the whole.
  void reset_unless_finished();

  bool input_ended() const { return input_ended_; }

  // Whether the peer's FIN has come, though there may be bytes before it that were not read.
  bool end_in_sight() const { return end_near_; }

  // Whether that end is a reset.
  bool reset_in_sight() const { return error_ != 0; }

  // Whether nothing that the peer sent is unread, as far as is known: a close would be no reset.
  bool all_is_read() const { return input_.empty() && (!may_read_ || input_ended_); }

  bool is_broken() const { return broken_; }

  // Whether output still has somewhere to go.
  bool takes_output() const { return !output_refused_ && !broken_; }

  // Whether all that was given to output() has been handed to the kernel.
  bool output_done() const { return output_.empty(); }

 private:
  enum class Reading : std::uint8_t { Paused, Buffered, Spliced };

  static void on_event(int, short what, void* self) noexcept;
  static void on_writable(int, short, void* self) noexcept;

  int fd() const { return transport_->fd(); }

  std::unique_ptr<Transport> release();
  void handle_readable(short what);
  void look_for_end();
  void read_and_tell();
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
  EventPtr readable_;  // also carries what is to be told outside of the call that met it
  std::optional<Reactivation> read_again_;  // makes readable_ active without the kernel
  EventPtr writable_;                       // nullptr: the socket has always taken all
  int error_ = 0;                           // known, but perhaps not reached by reading
  std::uint32_t read_size_;
  Reading reading_ = Reading::Buffered;
  bool may_read_ = false;  // no read has met the end of what is there since the last edge
  bool end_near_ = false;  // the peer's FIN or reset has come; there may be bytes before it
  bool input_ended_ = false;
  bool output_ending_ = false;
  bool output_ended_ = false;
  bool resets_unless_finished_ = false;
  bool output_refused_ = false;
  bool waiting_to_write_ = false;
  bool broken_ = false;
  bool break_told_ = false;
};

}  // namespace hpp
