#include "common/event/stream.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include "common/os/socket_address.h"

namespace hpp {
namespace {

// The size of one read. Small reads go through a scratch buffer, so that a connection's buffer is
// only as large as its bytes. After a read that fills the scratch buffer, the next one is large and
// goes directly into the connection's buffer. The size shrinks again with the number of bytes read.
constexpr std::uint32_t kReadSizeMin = 16 * 1024;
constexpr std::uint32_t kReadSizeMax = 128 * 1024;
// The most pieces of output that one system call writes.
constexpr int kPiecesMax = 8;

std::array<char, kReadSizeMin>& scratch() {
  static thread_local std::array<char, kReadSizeMin> bytes;
  return bytes;
}

ssize_t write_front(Transport& transport, evbuffer* output) {
  evbuffer_iovec pieces[kPiecesMax];
  const int count = std::min(evbuffer_peek(output, -1, nullptr, pieces, kPiecesMax), kPiecesMax);
  return transport.write(reinterpret_cast<const iovec*>(pieces), count);
}

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

Stream::Stream(Loop& loop, std::unique_ptr<Transport> transport, StreamListener& listener)
    : loop_(loop), listener_(listener), transport_(std::move(transport)), read_size_(kReadSizeMin) {
  readable_.reset(event_new(loop.base(), fd(), EV_READ | EV_CLOSED | EV_ET | EV_PERSIST,
                            &Stream::on_event, this));
  event_add(readable_.get(), nullptr);
  read_again_.emplace(loop, readable_.get());
}

Stream::Stream(Loop& loop, UniqueFd fd, StreamListener& listener)
    : Stream(loop, std::make_unique<PlainSocket>(std::move(fd)), listener) {}

// For a new event, the kernel reports readable bytes, a FIN or a reset again.
Stream::Stream(Stream& from, StreamListener& listener)
    : Stream(from.loop_, from.release(), listener) {
  from.input_.move_to(input_, from.input_.size());
  from.output_.move_to(output_, from.output_.size());
}

Stream::~Stream() = default;

std::unique_ptr<Transport> Stream::release() {
  read_again_.reset();
  readable_.reset();
  writable_.reset();
  // A closed socket takes its place, because the owner may still call this stream in this turn.
  return std::exchange(transport_, std::make_unique<PlainSocket>(UniqueFd()));
}

void Stream::on_event(int, short what, void* self) noexcept {
  auto& stream = *static_cast<Stream*>(self);
  stream.loop_.note_activity();
  if (!stream.broken_) return stream.handle_readable(what);
  if (std::exchange(stream.break_reported_, true)) return;
  stream.listener_.on_broken(stream.error_);
}

void Stream::on_writable(int, short, void* self) noexcept {
  auto& stream = *static_cast<Stream*>(self);
  if (stream.broken_ || !stream.waiting_to_write_) return;
  stream.loop_.note_activity();
  stream.waiting_to_write_ = false;
  stream.write_some();
  if (!stream.broken_) stream.listener_.on_output_progress();
}

// ---- reading ------------------------------------------------------------------------------------

void Stream::handle_readable(short what) {
  if ((what & (EV_READ | EV_CLOSED)) != 0) may_read_ = true;
  if ((what & EV_CLOSED) != 0) end_near_ = true;
  if (may_read_ && !input_ended_) {
    if (reading_ == Reading::Buffered) return read_and_report();
    if (reading_ == Reading::Spliced) listener_.on_input();
  }
  if (!broken_) look_for_end();
}

// Handles a FIN or a reset that no read has met, because reading is paused or spliced, and a reset
// after the FIN. The kernel reports the end only once. It reports a reset like bytes, and perhaps
// together with bytes that were read before the pause.
void Stream::look_for_end() {
  if (!may_read_ && !input_ended_) return;
  if (const int error = pending_error(fd()); error != 0) {
    if (input_ended_) return fail(error);
    error_ = error;
    end_near_ = true;
  }
  if (end_near_ && !input_ended_) listener_.on_end_in_sight();
}

void Stream::read_and_report() {
  std::size_t asked = 0;
  std::size_t got = 0;
  do {
    asked = read_size_;
    got = read_some();
    if (got > 0) listener_.on_input();
    if (input_ended_) return listener_.on_input_ended();
    if (reading_ != Reading::Buffered || !may_read_ || broken_) return;
  } while (end_near_ && got < asked);
  // If the read was not filled, all bytes have been read. But a reset may have come together with
  // them: the kernel reports both in one event, libevent does not say which, and only a read shows
  // the reset. The next event usually comes soon, so this extra read is rarely needed.
  read_again_->start(got < asked ? Loop::Again::Soon : Loop::Again::NextTurn);
}

// Returns the number of bytes read.
std::size_t Stream::read_some() {
  const std::uint32_t asked = read_size_;
  const ssize_t got = asked == kReadSizeMin ? read_through_scratch() : read_directly();
  if (got <= 0) {
    no_input(got, errno);
    return 0;
  }
  const auto size = static_cast<std::uint32_t>(got);
  read_size_ = size == asked ? kReadSizeMax : std::max(size, kReadSizeMin);
  return size;
}

ssize_t Stream::read_through_scratch() {
  auto& bytes = scratch();
  const ssize_t got = transport_->read(bytes.data(), bytes.size());
  if (got > 0) input_.append({bytes.data(), static_cast<std::size_t>(got)});
  return got;
}

ssize_t Stream::read_directly() {
  evbuffer_iovec space{};
  if (evbuffer_reserve_space(input_.get(), read_size_, &space, 1) < 1) {
    errno = ENOMEM;
    return -1;
  }
  const ssize_t got = transport_->read(space.iov_base, read_size_);
  space.iov_len = got > 0 ? static_cast<std::size_t>(got) : 0;
  if (got > 0) evbuffer_commit_space(input_.get(), &space, 1);
  return got;
}

// Called when a read has returned 0, or -1 with `error`.
void Stream::no_input(ssize_t got, int error) {
  if (got < 0 && error == EINTR) return;
  may_read_ = false;
  if (got == 0 && error_ == 0) {
    input_ended_ = true;
  } else if (got == 0 || error != EAGAIN) {
    fail(got == 0 ? error_ : error);
  }
}

void Stream::continue_later() {
  if (may_read_ && !input_ended_ && !broken_) read_again_->start(Loop::Again::NextTurn);
}

void Stream::set_reading(Reading reading) {
  if (reading_ == reading || input_ended_ || broken_) return;
  reading_ = reading;
  continue_later();
}

void Stream::read_while(bool wanted) {
  if (reading_ == Reading::Spliced) return;
  set_reading(wanted ? Reading::Buffered : Reading::Paused);
}

bool Stream::read_now() {
  if (reading_ != Reading::Buffered || input_ended_ || broken_) return false;
  may_read_ = true;
  const bool has_come = read_some() > 0;
  continue_later();
  return has_come;
}

void Stream::set_spliced(bool spliced) {
  assert(input_.empty() && (!spliced || may_splice()));
  set_reading(spliced ? Reading::Spliced : Reading::Buffered);
}

bool Stream::fill_pipe(SplicePipe& pipe, std::size_t max) {
  if (!may_read_ || input_ended_ || broken_) return false;
  const ssize_t got = pipe.fill(fd(), max);
  if (got > 0) return true;
  no_input(got, errno);
  continue_later();
  return false;
}

// ---- writing ------------------------------------------------------------------------------------

void Stream::flush() {
  if (!broken_ && !waiting_to_write_) write_some();
}

void Stream::write_some() {
  if (output_refused_) output_.drain(output_.size());
  while (!output_.empty()) {
    const ssize_t written = write_front(*transport_, output_.get());
    if (written >= 0) {
      output_.drain(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EAGAIN) return wait_writable();
    if (errno != EINTR) return stop_writing(errno);
  }
  if (output_ending_ && !output_ended_) {
    output_ended_ = true;
    if (resets_unless_finished_) hpp::reset_on_close(fd(), false);
    transport_->shut_down();
  }
}

bool Stream::drain_pipe(SplicePipe& pipe) {
  assert(output_.empty() && may_splice());
  while (pipe.held() > 0) {
    if (!takes_output()) return true;
    if (waiting_to_write_) return false;
    if (pipe.empty_into(fd()) >= 0 || errno == EINTR) continue;
    if (errno == EAGAIN) {
      wait_writable();
    } else {
      stop_writing(errno);
    }
  }
  return true;
}

void Stream::wait_writable() {
  waiting_to_write_ = true;
  if (writable_) return;
  writable_.reset(
      event_new(loop_.base(), fd(), EV_WRITE | EV_ET | EV_PERSIST, &Stream::on_writable, this));
  event_add(writable_.get(), nullptr);
}

void Stream::stop_writing(int error) {
  if (input_ended_) return fail(error);
  // The error is a reset. The kernel reports it only once, so reading would now end like after a
  // FIN.
  error_ = error;
  output_refused_ = true;
  output_.drain(output_.size());
}

void Stream::acknowledge_now() {
  const int on = 1;
  ::setsockopt(fd(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void Stream::finish_output() {
  output_ending_ = true;
  flush();
}

// ---- ending -------------------------------------------------------------------------------------

bool Stream::has_ended_by_now() const {
  return end_near_ || input_ended_ || broken_ || transport_->peek() == Unread::End;
}

bool Stream::is_quiet_by_now() const {
  return !end_near_ && !input_ended_ && !broken_ && input_.empty() &&
         transport_->peek() == Unread::Nothing;
}

void Stream::reset_on_close() {
  hpp::reset_on_close(fd());
}

void Stream::reset_unless_finished() {
  resets_unless_finished_ = true;
  reset_on_close();
}

void Stream::fail(int error) {
  broken_ = true;
  error_ = error;
  read_again_->cancel();
  event_active(readable_.get(), EV_TIMEOUT, 0);
}

}  // namespace hpp
