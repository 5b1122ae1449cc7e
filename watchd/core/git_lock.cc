#include "watchd/core/git_lock.h"

namespace hpp::watchd {

LockPatience::Verdict LockPatience::judge(const std::optional<GitLock>& seen,
                                          std::chrono::steady_clock::time_point now) {
  if (seen != lock_) {
    lock_ = seen;
    since_ = now;
    ran_out_ = false;
  }
  if (!lock_ || ran_out_) return Verdict::Free;
  if (now - since_ < kLockPatience) return Verdict::Held;
  ran_out_ = true;
  return Verdict::RunOut;
}

}  // namespace hpp::watchd
