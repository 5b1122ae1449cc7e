#include "common/event/notify_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/os/fd_message.h"
#include "common/os/unix_socket.h"

namespace hpp {
namespace {

constexpr std::size_t kMessageMax = 4096;  // bytes; similar to systemd's own limit

}  // namespace

NotifySocket::NotifySocket(Loop& loop, const RunDirectory& run_directory, const char* name,
                           OnMessage on_message, UniqueFd kept)
    : loop_(loop),
      on_message_(std::move(on_message)),
      directory_(run_directory),
      name_(name),
      path_(fmt::format("{}/{}", run_directory.path(), name)) {
  if (kept.is_open()) add(std::move(kept));
  if (sockets_.empty() || !directory_.has(name_)) open();
}

void NotifySocket::open() {
  UniqueFd fd = bind_unix_socket(path_, SOCK_DGRAM);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  add(std::move(fd));
}

void NotifySocket::add(UniqueFd fd) {
  auto readable =
      std::make_unique<FdWatch>(loop_, fd.get(), FdWatch::For::Reading, [this] { drain(); });
  readable->start();
  sockets_.push_back({.fd = std::move(fd), .readable = std::move(readable)});
}

void NotifySocket::mend() {
  if (!directory_.has(name_)) open();
}

NotifySocket::~NotifySocket() {
  ::unlink(path_.c_str());
}

void NotifySocket::drain() {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {  // a callback may add a socket
    while (take_one(sockets_[i].fd.get())) {
    }
  }
}

bool NotifySocket::take_one(int fd) {
  auto message = receive_message(fd, kMessageMax);
  if (!message) return errno == EINTR;
  on_message_(message->sender, read_notification(message->text), std::move(message->fds));
  return true;
}

}  // namespace hpp
