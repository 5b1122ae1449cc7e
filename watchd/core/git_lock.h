// Pure. Decides for how long a git lock counts as a sign that git is writing files.
//
// A checkout, a merge or a stash creates `index.lock` in git's directory before it writes the first
// file, and removes it after the last. But a git that crashes leaves the lock behind, and a git
// that waits for an editor (`git commit --all`) holds it for minutes without touching a file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/time_point.h"

namespace hpp::watchd {

// How long a lock is respected.
constexpr std::chrono::milliseconds kLockPatience{10'000};

// At most this many locks that are no longer respected are remembered.
constexpr std::ptrdiff_t kGivenUpMax = 64;

// A lock file. The inode alone does not identify it, because the next lock may get the same one;
// together with the time it does.
struct GitLock {
  std::string path;
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;  // since the Unix epoch

  bool operator==(const GitLock&) const = default;
};

class LockPatience {
 public:
  struct Decision {
    bool is_held = false;           // git is writing: at least one lock is respected
    std::vector<GitLock> given_up;  // locks that are no longer respected; each is returned once
  };

  // Judges the locks that exist now: at most one for each repository.
  Decision judge(const std::vector<GitLock>& seen, TimePoint now);

 private:
  struct Known {
    GitLock lock;
    TimePoint since{};  // when it was seen first
    bool is_given_up = false;
  };

  void forget_oldest();

  // Locks that the last call saw, and locks that were given up. The latter are kept although a call
  // does not see them, because not every call covers every repository.
  std::vector<Known> known_;
};

}  // namespace hpp::watchd
