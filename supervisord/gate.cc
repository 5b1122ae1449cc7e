#include "supervisord/gate.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "common/os/error.h"
#include "common/os/pipe.h"

namespace hpp::supervisord {
namespace {

// Makes the two ends, and returns ours. The other end blocks.
UniqueFd connect(UniqueFd& other) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw_errno("cannot make a pair of sockets");
  UniqueFd ours(ends[0]);
  other.reset(ends[1]);
  set_nonblocking(ours.get());
  return ours;
}

}  // namespace

Gate::Gate(Loop& loop, spare::Of of, OnEvent on_event)
    : of_(of),
      on_event_(std::move(on_event)),
      fd_(connect(child_end_)),
      readable_(loop, fd_.get(), FdWatch::For::Reading, [this] { on_readable(); }) {
  readable_.start();
}

// hpp sends only a few lines, for which the socket has room.
void Gate::send(std::string_view lines) {
  [[maybe_unused]] const auto sent =
      ::send(fd_.get(), lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Gate::end_lines() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void Gate::close() {
  readable_.stop();
  fd_.reset();
  child_end_.reset();
}

void Gate::on_readable() {
  if (!fd_.is_open()) return;
  char bytes[4096];
  const ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) pending_.append(bytes, static_cast<std::size_t>(got));
  split_lines();
  const bool is_over = got <= 0 || pending_.size() > kGateLineMax;
  if (!is_over || !fd_.is_open()) return;
  close();
  on_event_(spare::Closed{of_});
}

void Gate::split_lines() {
  std::size_t begin = 0;
  for (auto end = pending_.find('\n'); end != std::string::npos && fd_.is_open();
       end = pending_.find('\n', begin)) {
    std::string line = pending_.substr(begin, end - begin);
    begin = end + 1;
    on_event_(spare::Line{.of = of_, .text = std::move(line)});
  }
  pending_.erase(0, begin);
}

}  // namespace hpp::supervisord
