// Pure. Decides for how long a lock of git's says that git is writing the files.
//
// git holds `index.lock` in its directory from before the first file that a checkout, a merge or a
// stash writes until after the last. A git that crashed leaves it behind, and one that waits for an
// editor (`git commit --all`) keeps it for minutes without touching a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace hpp::watchd {

// How long one lock is respected.
constexpr std::chrono::milliseconds kLockPatience{10'000};

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
  enum class Verdict {
    Free,    // no lock, or one that is respected no longer
    Held,    // git is writing
    RunOut,  // Free from this moment on: comes once for each lock
  };

  // What to make of the lock that is there now.
  Verdict judge(const std::optional<GitLock>& seen, std::chrono::steady_clock::time_point now);

 private:
  std::optional<GitLock> lock_;  // seen last
  std::chrono::steady_clock::time_point since_{};
  bool ran_out_ = false;
};

}  // namespace hpp::watchd
