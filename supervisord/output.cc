#include "supervisord/output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "common/bus/messages.h"
#include "common/os/child.h"

namespace hpp::supervisord {
namespace {

// A pipe that polls as writable takes so many bytes without blocking, pipe(7).
constexpr std::size_t kWriteMax = PIPE_BUF;
// One read: what a pipe holds, unless somebody has enlarged it.
constexpr std::size_t kReadMax = 64 * 1024;
// What drain() takes at most: a survivor of the backend may write without end.
constexpr std::size_t kDrainMax = 1024 * 1024;
// What waits at most for a destination that takes nothing. A living backend is not read from
// then; only the remains of dead ones come to this.
constexpr std::size_t kWaitingMax = 4 * 1024 * 1024;

bool takes_bytes_now(int fd) {
  pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

}  // namespace

// ---- Sink ---------------------------------------------------------------------------------------

Sink::Sink(Loop& loop, int fd, std::function<void()> on_room)
    : fd_(fd), on_room_(std::move(on_room)), loop_(loop) {}

void Sink::write(std::string_view bytes) {
  if (has_room()) bytes.remove_prefix(write_some(bytes));
  if (bytes.empty()) return;
  waiting_ += bytes.substr(0, kWaitingMax - std::min(kWaitingMax, waiting_.size()));
  if (!writable_) {
    writable_ = std::make_unique<FdWatch>(loop_, fd_, FdWatch::For::Writing, [this] { flush(); });
  }
  writable_->start();
}

// Returns how many bytes are done with: written, or of no use to anybody.
std::size_t Sink::write_some(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size() && takes_bytes_now(fd_)) {
    const std::size_t size = std::min(kWriteMax, bytes.size() - done);
    const ssize_t written = ::write(fd_, bytes.data() + done, size);
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      break;  // somebody else has set O_NONBLOCK
    } else if (errno != EINTR) {
      return bytes.size();  // EPIPE, EIO of a terminal that is gone, ENOSPC: the backend goes on
    }
  }
  return done;
}

void Sink::flush() {
  waiting_.erase(0, write_some(waiting_));
  if (!waiting_.empty()) return;
  writable_->stop();
  on_room_();
}

// ---- Relay --------------------------------------------------------------------------------------

Relay::Relay(Loop& loop, int destination)
    : loop_(loop), sink_(loop, destination, [this] { on_room(); }) {}

UniqueFd Relay::open() {
  Pipe pipe = make_pipe();
  take_over(std::move(pipe.reader));
  return std::move(pipe.writer);
}

void Relay::take_over(UniqueFd reader) {
  drain();
  close();
  tail_.clear();
  reader_ = std::move(reader);
  set_nonblocking(reader_.get());
  readable_ = std::make_unique<FdWatch>(loop_, reader_.get(), FdWatch::For::Reading,
                                        [this] { on_readable(); });
  on_room();
}

void Relay::drain() {
  for (std::size_t rounds = 0; reader_.is_open() && rounds < kDrainMax / kReadMax; ++rounds) {
    if (read_once() != Got::Bytes) return;
  }
}

std::string_view Relay::tail() const {
  const std::string_view all = tail_;
  return all.substr(all.size() - std::min(all.size(), bus::kOutputTailMax));
}

Relay::Got Relay::read_once() {
  char bytes[kReadMax];
  const ssize_t got = ::read(reader_.get(), bytes, sizeof bytes);
  if (got < 0) return errno == EINTR ? Got::Bytes : Got::NothingNow;
  if (got == 0) return Got::End;
  const std::string_view fresh(bytes, static_cast<std::size_t>(got));
  sink_.write(fresh);
  tail_ += fresh;
  if (tail_.size() > 2 * bus::kOutputTailMax) {
    tail_.erase(0, tail_.size() - bus::kOutputTailMax);
  }
  return Got::Bytes;
}

void Relay::on_readable() {
  if (read_once() == Got::End) return close();
  if (!sink_.has_room()) readable_->stop();  // the pipe fills up, and then the backend waits
}

void Relay::on_room() {
  if (readable_ && sink_.has_room()) readable_->start();
}

void Relay::close() {
  if (readable_) {
    readable_->stop();
    loop_.bury(std::move(readable_));
  }
  reader_.reset();
}

// ---- Output -------------------------------------------------------------------------------------

Output::Ends Output::open() {
  return {.out = out_.open(), .err = err_.open()};
}

void Output::take_over(UniqueFd out, UniqueFd err) {
  out_.take_over(std::move(out));
  err_.take_over(std::move(err));
}

void Output::drain() {
  out_.drain();
  err_.drain();
}

std::string Output::tail() const {
  const std::string_view err = err_.tail();
  return std::string(err.empty() ? out_.tail() : err);
}

}  // namespace hpp::supervisord
