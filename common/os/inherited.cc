#include "common/os/inherited.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace hpp {
namespace {

// For kernels without close_range(2) (before 5.9) or without its flag (before 5.11).
std::vector<int> open_descriptors(int first) {
  namespace fs = std::filesystem;
  std::vector<int> found;
  std::error_code failed;
  fs::directory_iterator entry("/proc/self/fd", failed);
  for (const fs::directory_iterator end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd >= first) found.push_back(fd);
  }
  return found;
}

// Not every C library has a function for close_range(2).
bool close_range_from(int first, unsigned flags) {
  return ::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, flags) == 0;
}

}  // namespace

void clean_inherited_state() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGCHLD, SIG_DFL);
  constexpr int kFirst = STDERR_FILENO + 1;
  if (close_on_exec_from(kFirst)) return;
  for (const int fd : open_descriptors(kFirst)) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0) ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}

bool close_on_exec_from(int first) {
  return close_range_from(first, CLOSE_RANGE_CLOEXEC);
}

void close_from(int first) {
  if (close_range_from(first, 0)) return;
  for (const int fd : open_descriptors(first)) ::close(fd);
}

void open_standard_descriptors() {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

}  // namespace hpp
