#include "tests/sim/files.h"

namespace hpp::sim {

void Files::write(bool is_watched, const char* how) {
  const std::uint64_t tick = newest_.size();
  newest_.push_back(is_watched ? tick : newest_.back());
  world_.trace("files: {}, tick {}{}", how, tick, is_mixed_ ? ", MIXED" : "");
  tell_change();
}

void Files::tell_change() const {
  for (const auto& call : on_change) call();
}

void Files::save(bool is_watched) {
  write(is_watched, is_watched ? "saved" : "saved a file that is not watched");
}

void Files::check_out(bool is_last) {
  is_mixed_ = !is_last;
  write(/*is_watched=*/true, "git writes");
}

void Files::lock() {
  // Each lock is a new file, but may have the same inode as the previous one.
  lock_ = GitLock{.path = "/p/.git/index.lock",
                  .inode = 7,
                  .modified_ns = world_.now().time_since_epoch().count()};
  locked_at_ = world_.now();
  tick_at_lock_ = tick();
  world_.trace("files: git takes its lock");
}

void Files::unlock() {
  lock_.reset();
  world_.trace("files: git's lock is gone");
  if (!world_.traits.lock_is_hidden) tell_change();
}

}  // namespace hpp::sim
