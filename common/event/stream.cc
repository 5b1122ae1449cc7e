#include "common/event/stream.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

namespace hpp {
namespace {

// How much one wake-up reads. It grows while reads fill it, so that a head costs little memory and
// a large body few system calls. (evbuffer_read would ask FIONREAD first and stop at 4 KiB.)
constexpr std::size_t kReadSizeMin = 4 * 1024;
constexpr std::size_t kReadSizeMax = 128 * 1024;

}  // namespace

Stream::Stream(Loop& loop, UniqueFd fd, StreamListener& listener)
    : listener_(listener), fd_(std::move(fd)), read_size_(kReadSizeMin) {
  const int socket = fd_.get();
  readable_.reset(event_new(loop.base(), socket, EV_READ | EV_PERSIST, &Stream::on_event, this));
  writable_.reset(event_new(loop.base(), socket, EV_WRITE | EV_PERSIST, &Stream::on_event, this));
  failed_.reset(event_new(loop.base(), -1, 0, &Stream::on_late_error, this));
  event_add(readable_.get(), nullptr);
}

void Stream::on_event(int, short what, void* self) noexcept {
  auto& stream = *static_cast<Stream*>(self);
  if (stream.broken_) return;
  if ((what & EV_READ) != 0) {
    stream.handle_readable();
  } else {
    stream.write_some();
    if (!stream.broken_) stream.listener_.on_output_progress();
  }
}

void Stream::on_late_error(int, short, void* self) noexcept {
  auto& stream = *static_cast<Stream*>(self);
  stream.listener_.on_broken(stream.error_);
}

void Stream::handle_readable() {
  evbuffer_iovec space[2];
  const int pieces =
      evbuffer_reserve_space(input_.get(), static_cast<ev_ssize_t>(read_size_), space, 2);
  if (pieces < 1) return fail(ENOMEM);
  const ssize_t got = ::readv(fd_.get(), reinterpret_cast<iovec*>(space), pieces);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return fail(errno);
  }
  if (got == 0) {
    input_ended_ = true;
    event_del(readable_.get());
    return listener_.on_input_ended();
  }
  const auto size = static_cast<std::size_t>(got);
  std::size_t left = size;
  int used = 0;
  for (; used < pieces && left > 0; ++used) {
    space[used].iov_len = std::min(space[used].iov_len, left);
    left -= space[used].iov_len;
  }
  evbuffer_commit_space(input_.get(), space, used);
  read_size_ =
      size >= read_size_ ? std::min(read_size_ * 4, kReadSizeMax) : std::max(size, kReadSizeMin);
  listener_.on_input();
}

void Stream::flush() {
  if (!broken_ && !waiting_to_write_) write_some();
}

void Stream::write_some() {
  if (output_refused_) output_.drain(output_.size());
  while (!output_.empty()) {
    const int written = evbuffer_write(output_.get(), fd_.get());
    if (written > 0) continue;
    if (written < 0 && errno != EAGAIN && errno != EINTR) return stop_writing(errno);
    if (!waiting_to_write_) event_add(writable_.get(), nullptr);
    waiting_to_write_ = true;
    return;
  }
  if (waiting_to_write_) event_del(writable_.get());
  waiting_to_write_ = false;
  if (output_ending_ && !output_ended_) {
    output_ended_ = true;
    ::shutdown(fd_.get(), SHUT_WR);
  }
}

void Stream::stop_writing(int error) {
  if (input_ended_ || !reading_) return fail(error);
  output_refused_ = true;
  output_.drain(output_.size());
  if (waiting_to_write_) event_del(writable_.get());
  waiting_to_write_ = false;
}

void Stream::read_while(bool wanted) {
  if (wanted == reading_ || input_ended_ || broken_) return;
  reading_ = wanted;
  if (wanted) {
    event_add(readable_.get(), nullptr);
  } else {
    event_del(readable_.get());
  }
}

void Stream::finish_output() {
  output_ending_ = true;
  flush();
}

void Stream::reset_on_close() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void Stream::fail(int error) {
  broken_ = true;
  error_ = error;
  event_del(readable_.get());
  event_del(writable_.get());
  event_active(failed_.get(), 0, 0);
}

}  // namespace hpp
