#include "launch/notify_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/os/fd_message.h"
#include "common/os/unix_socket.h"

namespace hpp::launch {
namespace {

constexpr const char* kName = "notify.sock";
constexpr std::size_t kMessageMax = 4096;  // bytes; similar to systemd's own limit

}  // namespace

NotifySocket::NotifySocket(Loop& loop, const RunDirectory& run_directory, OnMessage on_message)
    : loop_(loop),
      on_message_(std::move(on_message)),
      directory_(run_directory),
      path_(fmt::format("{}/{}", run_directory.path(), kName)) {
  open();
}

void NotifySocket::open() {
  // The run directory's lock is held, so no other process uses the path.
  UniqueFd fd = bind_unix_socket(path_, SOCK_DGRAM);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  auto readable =
      std::make_unique<FdWatch>(loop_, fd.get(), FdWatch::For::Reading, [this] { drain(); });
  readable->start();
  sockets_.push_back({.fd = std::move(fd), .readable = std::move(readable)});
}

void NotifySocket::mend() {
  if (!directory_.has(kName)) open();
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

}  // namespace hpp::launch
