// Reads, replaces and locks small files.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/os/unique_fd.h"

namespace hpp {

// Returns the content of a file, also of a file in /proc. Returns nothing if it cannot be read.
std::optional<std::string> read_file(const std::string& path);

// Returns the rest of an open file. Returns nothing if it cannot be read.
std::optional<std::string> read_all(int fd);

// The functions below take a directory descriptor and a name in that directory, or AT_FDCWD and a
// path. If the name itself is a symbolic link, they do not follow it.

// Opens a regular file that belongs to this user and has no second hard link, so that writing to it
// cannot change another file. `flags` are those of open(2). If there is no such file, or it has
// another owner or kind (EPERM), the result is not open, and errno is set.
UniqueFd open_own_file(int directory, const std::string& name, int flags);

// Writes `<name>.new` (mode 0600) and renames it, so that readers see either the old or the new
// content. Returns the file, open for reading and writing. On failure the result is not open, errno
// is set, and the old content remains.
UniqueFd replace_file(int directory, const std::string& name, std::string_view content);

// Whether `name` is a name of the file that `fd` has open.
bool is_name_of(int directory, const std::string& name, int fd);

// Writes all of `content` at `offset`. Returns 0 or an errno value.
int write_all(int fd, std::string_view content, off_t offset);

// The default patience of FileLock::take(). It outlasts lock_holder(), which holds a shared lock
// for a moment, or longer if its process is preempted.
constexpr std::chrono::milliseconds kLockPatienceMin{50};

// An exclusive lock on a file for the lifetime of the object (flock(2)). The kernel releases it if
// the process crashes. The file itself is not deleted.
class FileLock {
 public:
  // Creates the file if it does not exist, and replaces a file that open_own_file() would refuse.
  // Returns nothing if another process still holds the lock after `patience`.
  // Throws std::system_error if the file cannot be created or opened.
  static std::optional<FileLock> take(int directory, const std::string& name,
                                      std::chrono::milliseconds patience = kLockPatienceMin);

  int fd() const { return fd_.get(); }

  // Whether the file still has this name. If not, another process can take a lock of this name.
  bool is_held_at(int directory, const std::string& name) const {
    return is_name_of(directory, name, fd_.get());
  }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

// Returns the process that holds the FileLock of `path` at this moment. Returns nothing if there is
// none, or if it is not visible from here (a PID namespace).
//
// The source is /proc/locks (proc(5)). The kernel returns that list in pieces, and skips lines if
// locks before them are released in between. Therefore, if the list names no process, this function
// tries a shared lock, which it holds for some microseconds. FileLock::take() waits for its end
// (kLockPatienceMin).
std::optional<pid_t> lock_holder(const std::string& path);

}  // namespace hpp
