#include "common/os/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <thread>

#include "common/os/error.h"

namespace hpp {
namespace {

constexpr std::chrono::milliseconds kLockPause{5};

// Whether the process has that file open. The number of the device in /proc/locks is not always
// that of stat(2) (btrfs), and the inode's alone may be another file's.
bool has_open(pid_t pid, const struct stat& file) {
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), error)) {
    struct stat info {};

    if (::stat(entry.path().c_str(), &info) == 0 && info.st_dev == file.st_dev &&
        info.st_ino == file.st_ino) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return std::nullopt;
  std::string content;
  char piece[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(fd.get(), piece, sizeof piece);
    if (got == 0) return content;
    if (got > 0) {
      content.append(piece, static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return std::nullopt;
    }
  }
}

int replace_file(const std::string& path, std::string_view content) {
  const std::string fresh = path + ".new";
  {
    const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd.is_open()) return errno;
    while (!content.empty()) {
      const ssize_t written = ::write(fd.get(), content.data(), content.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno;
      content.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  return ::rename(fresh.c_str(), path.c_str()) == 0 ? 0 : errno;
}

std::optional<FileLock> FileLock::take(const std::string& path,
                                       std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) throw_errno("cannot open " + path);
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw_errno("cannot lock " + path);
    if (std::chrono::steady_clock::now() >= until) return std::nullopt;
    std::this_thread::sleep_for(kLockPause);  // flock(2) itself has no time limit
  }
  return FileLock(std::move(fd));
}

// A line is `1: FLOCK  ADVISORY  WRITE 123 fe:00:4711 0 EOF`; of one that waits, `1: -> FLOCK …`.
std::optional<pid_t> lock_holder(const std::string& path) {
  struct stat file {};

  if (::stat(path.c_str(), &file) != 0) return std::nullopt;
  std::istringstream lines(read_file("/proc/locks").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, access, place;
    pid_t pid = 0;
    if (!(words >> number >> kind >> advisory >> access >> pid >> place)) continue;
    if (kind != "FLOCK" || !place.ends_with(fmt::format(":{}", file.st_ino))) continue;
    if (pid > 0 && has_open(pid, file)) return pid;
  }
  return std::nullopt;
}

}  // namespace hpp
