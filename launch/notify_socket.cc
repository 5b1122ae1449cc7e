#include "launch/notify_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/os/error.h"

namespace hpp::launch {
namespace {

constexpr const char* kName = "notify.sock";
constexpr std::size_t kMessageMax = 4096;  // bytes; similar to systemd's own limit
constexpr std::size_t kFdsMax = 253;       // the kernel's limit for one message, unix(7)

UniqueFd bind_socket(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw_errno("cannot listen on " + path, ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  ::unlink(path.c_str());  // safe, because we hold the run directory's lock
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw_errno("cannot listen on " + path);
  }
  return fd;
}

struct Ancillary {
  pid_t sender = 0;
  std::vector<UniqueFd> fds;
};

Ancillary read_ancillary(msghdr& message) {
  Ancillary ancillary;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_CREDENTIALS) {
      ucred credentials{};
      std::memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
      ancillary.sender = credentials.pid;
    }
    if (c->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
      ancillary.fds.emplace_back(fd);
    }
  }
  return ancillary;
}

}  // namespace

NotifySocket::NotifySocket(Loop& loop, const RunDirectory& run_directory, OnMessage on_message)
    : loop_(loop),
      on_message_(std::move(on_message)),
      directory_(run_directory),
      path_(fmt::format("{}/{}", run_directory.path(), kName)) {
  open();
}

void NotifySocket::open() {
  UniqueFd fd = bind_socket(path_);
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
  std::array<char, kMessageMax> text{};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(kFdsMax * sizeof(int))];
  iovec piece{.iov_base = text.data(), .iov_len = text.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  if (got < 0) return errno == EINTR;
  Ancillary ancillary = read_ancillary(message);
  const std::string_view said(text.data(), static_cast<std::size_t>(got));
  on_message_(ancillary.sender, read_notification(said), std::move(ancillary.fds));
  return true;
}

}  // namespace hpp::launch
