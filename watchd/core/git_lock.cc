#include "watchd/core/git_lock.h"

#include <algorithm>
#include <utility>

namespace hpp::watchd {

LockPatience::Decision LockPatience::judge(const std::vector<GitLock>& seen, TimePoint now) {
  std::erase_if(known_, [&](const Known& known) {
    return !known.is_given_up && std::find(seen.begin(), seen.end(), known.lock) == seen.end();
  });
  Decision decision;
  for (const GitLock& lock : seen) {
    auto known = std::find_if(known_.begin(), known_.end(),
                              [&](const Known& one) { return one.lock == lock; });
    if (known == known_.end()) known = known_.insert(known, {.lock = lock, .since = now});
    if (known->is_given_up) continue;
    known->is_given_up = now - known->since >= kGitLockPatience;
    if (known->is_given_up) {
      decision.given_up.push_back(lock);
    } else {
      decision.is_held = true;
    }
  }
  forget_oldest();
  return decision;
}

void LockPatience::forget_oldest() {
  const auto is_given_up = [](const Known& known) { return known.is_given_up; };
  auto count = std::count_if(known_.begin(), known_.end(), is_given_up);
  for (; count > kGivenUpMax; --count) {
    known_.erase(std::find_if(known_.begin(), known_.end(), is_given_up));
  }
}

}  // namespace hpp::watchd
