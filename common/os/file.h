// Small files, read and replaced whole.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/os/unique_fd.h"

namespace hpp {

// The content of a file; nothing if it cannot be read. /proc files included.
std::optional<std::string> read_file(const std::string& path);

// The rest of an open file; nothing if it cannot be read.
std::optional<std::string> read_all(int fd);

// The functions below take a directory descriptor and a name in that directory, or AT_FDCWD and a
// path. They follow no symbolic link at the name itself.

// Opens a regular file that belongs to this user and has no second name (hard link): writing to it
// changes nothing else. `flags` are for open(2). Not open, with errno set: there is no such file,
// or it is not one of ours (EPERM).
UniqueFd open_own_file(int directory, const std::string& name, int flags);

// Writes `<name>.new` (mode 0600) and renames it: readers see the old or the new content, never
// half of one. Returns the file, open for reading and writing; or one that is not open, with errno
// set and the old content in place.
UniqueFd replace_file(int directory, const std::string& name, std::string_view content);

// Whether `name` is a name of the file that `fd` has open.
bool is_name_of(int directory, const std::string& name, int fd);

// Writes all of `content` at `offset`. Returns 0 or an errno value.
int write_all(int fd, std::string_view content, off_t offset);

// The default patience of FileLock::take(). lock_holder() may hold a shared lock for a moment, and
// longer if its process is preempted: that is no reason to give up.
constexpr std::chrono::milliseconds kLockPatienceMin{50};

// Holds a file for one process, for as long as the object lives (flock(2)): a crash leaves nothing
// to clean up. The file stays.
class FileLock {
 public:
  // Creates the file if it does not exist, and replaces one that open_own_file() would refuse.
  // Returns nothing if another process has held the lock for as long as `patience`.
  // Throws std::system_error if the file cannot be created or opened.
  static std::optional<FileLock> take(int directory, const std::string& name,
                                      std::chrono::milliseconds patience = kLockPatienceMin);

  int fd() const { return fd_.get(); }

  // Whether the file still has that name. If not, another process can take a lock of that name.
  bool is_held_at(int directory, const std::string& name) const {
    return is_name_of(directory, name, fd_.get());
  }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

// The process that holds the FileLock of `path`, as of now; nothing if none does, or if it is not
// to be seen from here.
//
// /proc/locks (proc(5)) names the process, but the kernel hands that list out in pieces, and skips
// lines if locks before them are released in between. So if the list names no process, a shared
// lock, held for some microseconds, shows whether that is true. FileLock::take() waits for its end
// (kLockPatienceMin).
std::optional<pid_t> lock_holder(const std::string& path);

}  // namespace hpp
