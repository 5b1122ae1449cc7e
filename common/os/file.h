// Small files, read and replaced whole.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/os/unique_fd.h"

namespace hpp {

// The content of a file; nothing if it cannot be read. /proc files included.
std::optional<std::string> read_file(const std::string& path);

// Writes `<path>.new` (mode 0600) and renames it over `path`: readers see the old or the new
// content, never half of one. Returns 0, or an errno value with the old content in place.
int replace_file(const std::string& path, std::string_view content);

// Holds a file for one process, for as long as the object lives (flock(2)): a crash leaves nothing
// to clean up. The file stays.
class FileLock {
 public:
  // Makes the file if need be. Nothing: somebody else holds it, and has done so for as long as
  // `patience`. Throws std::system_error if the file cannot be made or opened.
  static std::optional<FileLock> take(const std::string& path,
                                      std::chrono::milliseconds patience = {});

  int fd() const { return fd_.get(); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

// The process that holds the FileLock of `path`, as of now; nothing if none does, or if it is not
// to be seen from here. Takes no lock, so that it is in nobody's way (/proc/locks, proc(5)).
std::optional<pid_t> lock_holder(const std::string& path);

}  // namespace hpp
