#include "supervisord/input.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "common/os/error.h"

namespace hpp::supervisord {
namespace {

// The longest line that a terminal accepts, termios(3).
constexpr std::size_t kLineMax = 4096;

}  // namespace

Input::Input(Loop& loop, int source)
    : loop_(loop),
      source_(source),
      readable_(loop, source, FdWatch::For::Reading, [this] { on_readable(); }) {}

void Input::lead_to(int master) {
  if (writable_) {
    writable_->stop();
    loop_.bury(std::move(writable_));
  }
  waiting_.clear();
  master_.reset(::fcntl(master, F_DUPFD_CLOEXEC, 0));
  if (!master_.is_open()) throw_errno("cannot duplicate a descriptor");
  writable_ =
      std::make_unique<FdWatch>(loop_, master_.get(), FdWatch::For::Writing, [this] { write(); });
  readable_.start();
}

void Input::on_readable() {
  char bytes[kLineMax];
  const ssize_t got = ::read(source_, bytes, sizeof bytes);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) return readable_.stop();
  waiting_.assign(bytes, static_cast<std::size_t>(got));
  write();
}

void Input::write() {
  const ssize_t written = ::write(master_.get(), waiting_.data(), waiting_.size());
  if (written >= 0) waiting_.erase(0, static_cast<std::size_t>(written));
  const bool is_full = written < 0 && (errno == EAGAIN || errno == EINTR);
  if (written < 0 && !is_full) waiting_.clear();  // EIO: the backend has closed its terminal
  if (waiting_.empty()) {
    writable_->stop();
    readable_.start();
  } else {
    readable_.stop();
    writable_->start();
  }
}

}  // namespace hpp::supervisord
