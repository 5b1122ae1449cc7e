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

// How often /proc/locks is read for a lock that is known to be held. One reading in twenty misses
// it on a machine where hundreds of locks are taken and released.
constexpr int kLocksReadMax = 20;

// Whether the process has this file open. The device number in /proc/locks may differ from that of
// stat(2) (btrfs), and the inode number alone may be that of another file.
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

// Returns the process that /proc/locks names as the holder of the file's lock. A line reads
// `1: FLOCK  ADVISORY  WRITE 123 fe:00:4711 0 EOF`. The line of a waiting process begins with
// `1: -> FLOCK`.
std::optional<pid_t> listed_holder(const struct stat& file) {
  std::istringstream lines(read_file("/proc/locks").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, access, place;
    pid_t pid = 0;
    if (!(words >> number >> kind >> advisory >> access >> pid >> place)) continue;
    if (kind != "FLOCK" || access != "WRITE" || !place.ends_with(fmt::format(":{}", file.st_ino)))
      continue;
    if (pid > 0 && has_open(pid, file)) return pid;
  }
  return std::nullopt;
}

// Whether another process holds the lock of an open file.
bool is_locked(int fd) {
  if (::flock(fd, LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  ::flock(fd, LOCK_UN);
  return false;
}

// Opens or creates the file of a lock. Replaces a file of another user: it may be from a time when
// the directory was writable for others.
UniqueFd open_lock_file(int directory, const std::string& name) {
  UniqueFd fd = open_own_file(directory, name, O_RDWR);
  if (fd.is_open()) return fd;
  if (errno == EPERM) ::unlinkat(directory, name.c_str(), 0);
  constexpr int kCreate = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  fd.reset(::openat(directory, name.c_str(), kCreate, 0600));
  // Another process may have created the file in between.
  if (!fd.is_open() && errno == EEXIST) fd = open_own_file(directory, name, O_RDWR);
  return fd;
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return std::nullopt;
  return read_all(fd.get());
}

std::optional<std::string> read_all(int fd) {
  std::string content;
  char piece[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(fd, piece, sizeof piece);
    if (got == 0) return content;
    if (got > 0) {
      content.append(piece, static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return std::nullopt;
    }
  }
}

UniqueFd open_own_file(int directory, const std::string& name, int flags) {
  // O_NONBLOCK: if the name is that of a FIFO, open(2) must not block.
  UniqueFd fd(::openat(directory, name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.is_open()) {
    if (errno == ELOOP) errno = EPERM;  // a symbolic link
    return fd;
  }

  struct stat info {};

  const bool is_own = ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) &&
                      info.st_uid == ::getuid() && info.st_nlink <= 1;
  if (is_own) return fd;
  fd.reset();
  errno = EPERM;
  return fd;
}

UniqueFd replace_file(int directory, const std::string& name, std::string_view content) {
  const std::string fresh = name + ".new";
  ::unlinkat(directory, fresh.c_str(), 0);  // left by a crash
  constexpr int kCreate = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(::openat(directory, fresh.c_str(), kCreate, 0600));
  if (!fd.is_open()) return fd;
  int error = write_all(fd.get(), content, 0);
  if (error == 0 && ::renameat(directory, fresh.c_str(), directory, name.c_str()) != 0) {
    error = errno;
  }
  if (error == 0) return fd;
  ::unlinkat(directory, fresh.c_str(), 0);  // because it takes space on a full disk
  fd.reset();
  errno = error;
  return fd;
}

bool is_name_of(int directory, const std::string& name, int fd) {
  struct stat named {};

  struct stat opened {};

  return ::fstat(fd, &opened) == 0 &&
         ::fstatat(directory, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

int write_all(int fd, std::string_view content, off_t offset) {
  while (!content.empty()) {
    const ssize_t written = ::pwrite(fd, content.data(), content.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
  return 0;
}

std::optional<FileLock> FileLock::take(int directory, const std::string& name,
                                       std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    UniqueFd fd = open_lock_file(directory, name);
    if (!fd.is_open()) throw_errno("cannot open " + name);
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) throw_errno("cannot lock " + name);
      if (std::chrono::steady_clock::now() >= until) return std::nullopt;
      std::this_thread::sleep_for(kLockPause);  // flock(2) itself has no time limit
    }
    // If the file was replaced since it was opened, another process may hold the new one.
    if (is_name_of(directory, name, fd.get())) return FileLock(std::move(fd));
  }
}

std::optional<pid_t> lock_holder(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));

  struct stat file {};

  if (!fd.is_open() || ::fstat(fd.get(), &file) != 0) return std::nullopt;
  for (int i = 0; i < kLocksReadMax; ++i) {
    if (const auto pid = listed_holder(file)) return pid;
    if (!is_locked(fd.get())) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace hpp
