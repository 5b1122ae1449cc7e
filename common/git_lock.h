// Pure. git's lock on the files of a repository.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hpp {

// How long hpp takes a lock as a sign that git is writing files. git holds an older one while it
// waits for an editor, or has crashed.
constexpr std::chrono::milliseconds kGitLockPatience{10'000};

// A lock file. The inode alone does not identify it, because the next lock may get the same one;
// together with the time it does.
struct GitLock {
  std::string path;
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;  // since the Unix epoch

  bool operator==(const GitLock&) const = default;
};

}  // namespace hpp
