// Pure. Decides for how long a git lock counts as a sign that git is writing files.
//
// A checkout, a merge or a stash creates `index.lock` in git's directory before it writes the first
// file, and removes it after the last. But a git that crashes leaves the lock behind, and a git
// that waits for an editor (`git commit --all`) holds it for minutes without touching a file.
#pragma once

#include <cstddef>
#include <vector>

#include "common/git_lock.h"
#include "common/time_point.h"

namespace hpp::watchd {

// At most this many locks that are no longer respected are remembered.
constexpr std::ptrdiff_t kGivenUpMax = 64;

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
