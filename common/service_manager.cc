#include "common/service_manager.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "common/log.h"
#include "common/manager_variables.h"
#include "common/os/error.h"
#include "common/os/fd_message.h"
#include "common/os/process_info.h"
#include "common/os/process_tree.h"
#include "common/os/socket_address.h"

namespace hpp {
namespace {

constexpr const char* kNotifySocket = "NOTIFY_SOCKET";

// Never blocks, not even while the manager's queue is full: if Ctrl+Z has stopped hpp-launch, every
// helper would block.
UniqueFd connect_to_manager() {
  const char* const path = ::getenv(kNotifySocket);
  if (path == nullptr) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t size = std::strlen(path);
  if (size == 0 || size >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path, size);
  if (path[0] == '@') address.sun_path[0] = '\0';  // an abstract socket address
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    log::debug("cannot reach the service manager at {}: {}", path, error_text(errno));
    return {};
  }
  return fd;
}

Variable take_variable(const char* name) {
  const char* const value = ::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string text = value;
  ::unsetenv(name);
  return text;
}

std::vector<std::pair<std::string, UniqueFd>> stored_descriptors() {
  const ListenVariables variables{.pid = take_variable("LISTEN_PID"),
                                  .count = take_variable("LISTEN_FDS"),
                                  .names = take_variable("LISTEN_FDNAMES")};
  std::vector<std::pair<std::string, UniqueFd>> stored;
  for (std::string& name : names_of_passed(variables, ::getpid())) {
    const int fd = kListenFdsStart + static_cast<int>(stored.size());
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    stored.emplace_back(std::move(name), UniqueFd(fd));
  }
  return stored;
}

Milliseconds own_watchdog_time() {
  return watchdog_time(
      {.pid = take_variable("WATCHDOG_PID"), .microseconds = take_variable("WATCHDOG_USEC")},
      ::getpid());
}

// Whether systemd itself has started the process. A descendant of such a process inherits the
// variable, but with another pid (systemd.exec(5)).
bool is_started_by_systemd(pid_t pid) {
  return has_environment(pid, fmt::format("SYSTEMD_EXEC_PID={}", pid));
}

// Leaves out processes that systemd has started in our unit itself, such as an ExecReload= command.
std::vector<pid_t> orphans_of_unit() {
  const std::vector<pid_t> descendants = living_descendants(::getpid());
  std::vector<pid_t> found = processes_of_our_cgroup();
  std::erase_if(found, [&](pid_t pid) {
    return !has_been_executed(pid, ::getppid()) || is_started_by_systemd(pid) ||
           std::find(descendants.begin(), descendants.end(), pid) != descendants.end();
  });
  return found;
}

}  // namespace

ServiceManager::ServiceManager(Loop& loop)
    : socket_(connect_to_manager()),
      launch_tree_(LaunchTree::take_from_environment()),
      watchdog_(own_watchdog_time()),
      stored_(stored_descriptors()),
      life_sign_(loop, [this] { show_life(); }) {
  ::unsetenv(kNotifySocket);
  if (launch_tree_) watch_launcher(loop);
}

void ServiceManager::watch_launcher(Loop& loop) {
  launcher_ = open_process(launch_tree_->root());
  // If hpp-launch is still our parent after the open, the pidfd cannot refer to another process.
  if (!launcher_.pidfd.is_open() || ::getppid() != launcher_.pid) {
    ::kill(::getpid(), SIGTERM);
    return;
  }
  launcher_ended_ =
      std::make_unique<FdWatch>(loop, launcher_.pidfd.get(), FdWatch::For::Reading, [this] {
        launcher_ended_->stop();
        ::kill(::getpid(), SIGTERM);
      });
  launcher_ended_->start();
}

void ServiceManager::ready() {
  send("READY=1");
  if (watchdog_ != Milliseconds{0}) show_life();
}

// The interval is short enough that a late or lost message does no harm; sd_watchdog_enabled(3)
// recommends at most half of the watchdog time.
void ServiceManager::show_life() {
  send("WATCHDOG=1");
  life_sign_.start(watchdog_ / 3);
}

void ServiceManager::store(std::string_view name, const std::vector<int>& fds) {
  // Without FDPOLL=0, systemd would drop a pipe when its writer is gone, even if it contains data.
  if (!fds.empty()) send(fmt::format("FDSTORE=1\nFDNAME={}\nFDPOLL=0", name), fds);
}

void ServiceManager::forget(std::string_view name) {
  send(fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name));
}

void ServiceManager::forget_untaken() {
  for (const auto& [name, fd] : stored_) forget(name);
  stored_.clear();
}

std::vector<UniqueFd> ServiceManager::take(std::string_view name) {
  std::vector<UniqueFd> taken;
  for (auto& [stored_as, fd] : stored_) {
    if (stored_as == name) taken.push_back(std::move(fd));
  }
  std::erase_if(stored_, [](const auto& entry) { return !entry.second.is_open(); });
  return taken;
}

std::vector<UniqueFd> ServiceManager::take_listening(std::string_view name) {
  std::vector<UniqueFd> sockets = take(name);
  for (const UniqueFd& socket : sockets) {
    if (is_listening(socket.get())) continue;
    throw std::runtime_error(
        fmt::format("the descriptor that was passed in under the name {} is no stream socket that "
                    "listens (ListenStream= and FileDescriptorName=, systemd.socket(5))",
                    name));
  }
  return sockets;
}

std::vector<pid_t> ServiceManager::orphans() const {
  if (launch_tree_) return launch_tree_->orphans({::getpid()});
  return is_started_by_systemd(::getpid()) ? orphans_of_unit() : std::vector<pid_t>{};
}

void ServiceManager::send(std::string_view text, const std::vector<int>& fds) {
  if (!socket_.is_open()) return;
  if (const int error = send_message(socket_.get(), text, fds); error != 0) {
    log::debug("cannot tell the service manager {}: {}", text.substr(0, text.find('\n')),
               error_text(error));
  }
}

}  // namespace hpp
