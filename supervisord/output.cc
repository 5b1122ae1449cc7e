#include "supervisord/output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>

#include "common/bus/messages.h"
#include "common/os/child.h"
#include "common/os/error.h"
#include "common/os/terminal.h"

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

// Home, and erase the screen and what was scrolled out of it (ECMA-48, xterm).
constexpr std::string_view kClearScreen = "\033[H\033[2J\033[3J";

UniqueFd duplicate(const UniqueFd& fd) {
  UniqueFd same(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!same.is_open()) throw_errno("dup");
  return same;
}

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

Relay::Relay(Loop& loop, int destination, Kind kind)
    : loop_(loop),
      destination_(destination),
      is_terminal_(kind == Kind::Terminal || is_terminal(destination)),
      sink_(loop, destination, [this] { on_room(); }) {}

UniqueFd Relay::open() {
  if (is_terminal_) {
    Pty pty = make_pty(destination_);
    take_over(std::move(pty.master));
    return std::move(pty.slave);
  }
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
  std::size_t drained = 0;
  while (reader_.is_open() && drained < kDrainMax) {
    const Got got = read_once();
    if (got.value_or(0) == 0) return;
    drained += *got;
  }
}

bool Relay::show(std::string_view sequence) {
  if (!is_able_terminal(destination_)) return false;
  sink_.write(sequence);
  return true;
}

void Relay::end_line() {
  if (is_terminal_ && is_mid_line_) sink_.write("\n");
  is_mid_line_ = false;
}

void Relay::follow_window() {
  if (reader_.is_open()) copy_window_size(destination_, reader_.get());
}

std::string_view Relay::tail() const {
  const std::string_view all = tail_;
  return all.substr(all.size() - std::min(all.size(), bus::kOutputTailMax));
}

Relay::Got Relay::read_once() {
  char bytes[kReadMax];
  ssize_t got = 0;
  do {
    got = ::read(reader_.get(), bytes, sizeof bytes);
  } while (got < 0 && errno == EINTR);
  const bool is_terminals_end = got < 0 && errno == EIO;
  if (got == 0 || is_terminals_end) return std::nullopt;
  if (got < 0) return 0;
  const std::string_view fresh(bytes, static_cast<std::size_t>(got));
  sink_.write(fresh);
  is_mid_line_ = fresh.back() != '\n' && fresh.back() != '\r';
  tail_ += fresh;
  if (tail_.size() > 2 * bus::kOutputTailMax) {
    tail_.erase(0, tail_.size() - bus::kOutputTailMax);
  }
  return fresh.size();
}

void Relay::on_readable() {
  if (!read_once()) return close();
  if (!sink_.has_room()) readable_->stop();  // what is not read fills up, and the backend waits
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

Output::Output(Loop& loop, int stdout_fd, int stderr_fd, Input input)
    : input_(input),
      out_(loop, stdout_fd, input == Input::Keyboard ? Relay::Kind::Terminal : Relay::Kind::Same) {
  if (!is_same_terminal(stdout_fd, stderr_fd)) err_.emplace(loop, stderr_fd);
}

Output::Ends Output::open() {
  Ends ends{.in = {}, .out = out_.open(), .err = {}};
  if (input_ == Input::Keyboard) ends.in = duplicate(ends.out);
  ends.err = err_ ? err_->open() : duplicate(ends.out);
  return ends;
}

void Output::calm_screen() {
  if (input_ == Input::Keyboard) out_.show(kScreenAsUsual);
}

void Output::end_line() {
  (err_ ? *err_ : out_).end_line();
}

std::vector<int> Output::readers() const {
  std::vector<int> fds{out_.reader()};
  if (err_) fds.push_back(err_->reader());
  return fds;
}

void Output::take_over(std::vector<UniqueFd> readers) {
  assert(readers.size() == reader_count());
  out_.take_over(std::move(readers.front()));
  if (err_) err_->take_over(std::move(readers.back()));
}

void Output::drain() {
  out_.drain();
  if (err_) err_->drain();
}

void Output::clear_screen() {
  drain();
  if (!out_.show(kClearScreen) && err_) err_->show(kClearScreen);
}

void Output::follow_window() {
  out_.follow_window();
  if (err_) err_->follow_window();
}

std::string Output::tail() const {
  const std::string_view err = err_ ? err_->tail() : std::string_view();
  return std::string(err.empty() ? out_.tail() : err);
}

}  // namespace hpp::supervisord
