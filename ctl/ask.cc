#include "ctl/ask.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>

namespace hpp::ctl {
namespace {

using Milliseconds = std::chrono::milliseconds;

// Limit for a response, in bytes. hpp's own responses are small, but another server on the port may
// send an endless one.
constexpr std::size_t kAnswerMax = 1024 * 1024;

}  // namespace

// Rounds up: otherwise the last fraction of a millisecond would be a busy loop.
int poll_time(const Deadline& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<Milliseconds>(*deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

bool is_over(const Deadline& deadline) {
  return deadline && std::chrono::steady_clock::now() >= *deadline;
}

bool wait_for(int fd, short events, const Deadline& deadline) {
  pollfd ready{.fd = fd, .events = events, .revents = 0};
  for (;;) {
    const int count = ::poll(&ready, 1, poll_time(deadline));
    if (count > 0) return true;
    if (count == 0 && is_over(deadline)) return false;
    if (count < 0 && errno != EINTR) return false;
  }
}

std::optional<std::string> ask(const SocketAddress& address, const std::string& request,
                               const Deadline& deadline) {
  const ConnectAttempt attempt = start_connect(address);
  const int fd = attempt.fd.get();
  if (attempt.error != 0 || !wait_for(fd, POLLOUT, deadline) || connect_error(fd) != 0) {
    return std::nullopt;
  }
  // One send is enough: the request fits into the empty socket buffer.
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return std::nullopt;
  std::string answer;
  char piece[16 * 1024];
  while (answer.size() < kAnswerMax && wait_for(fd, POLLIN, deadline)) {
    const ssize_t got = ::recv(fd, piece, sizeof piece, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) break;
    answer.append(piece, static_cast<std::size_t>(got));
  }
  return answer;
}

}  // namespace hpp::ctl
