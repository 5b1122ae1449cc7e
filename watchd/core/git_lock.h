// Pure. Decides for how long git's locks say that git is writing the files.
//
// git holds `index.lock` in its directory from before the first file that a checkout, a merge or a
// stash writes until after the last. A git that crashed leaves it behind, and one that waits for an
// editor (`git commit --all`) keeps it for minutes without touching a file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hpp::watchd {

// How long one lock is respected.
constexpr std::chrono::milliseconds kLockPatience{10'000};

// So many locks that are not respected any more are remembered.
constexpr std::ptrdiff_t kGivenUpMax = 64;

// A lock as it lies there. The inode alone does not tell one from the next, which may get the same;
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
    std::vector<GitLock> given_up;  // locks that are not respected from now on; each comes once
  };

  // Judges the locks that are there now, one for each repository at most.
  Decision judge(const std::vector<GitLock>& seen, std::chrono::steady_clock::time_point now);

 private:
  struct Known {
    GitLock lock;
    std::chrono::steady_clock::time_point since{};
    bool is_given_up = false;
  };

  void forget_oldest();

  // Locks that were there at the last call, and those that were given up. A repository is not
  // looked at each time, so a lock that was left behind must be recognised later.
  std::vector<Known> known_;
};

}  // namespace hpp::watchd
