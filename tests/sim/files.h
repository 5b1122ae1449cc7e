// The developer's files: the history of saves, and git's lock.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "tests/sim/world.h"
#include "watchd/core/git_lock.h"

namespace hpp::sim {

// The default of .watchmanconfig's `settle`: how long the files must be quiet before a watcher
// reports a change.
constexpr Micros kSettle = 20ms;

// Each save has a number, its *tick*. The *version* of the files is the tick of the newest save of
// a file that matters to the backend.
class Files {
 public:
  explicit Files(World& world) : world_(world) {}

  // The user saves a file. `is_watched`: the file matters to the backend.
  void save(bool is_watched);

  // git writes a file of a checkout. Until the last one is written, the files are mixed.
  void check_out(bool is_last);

  void lock();
  void unlock();

  std::uint64_t tick() const { return newest_.size() - 1; }

  std::uint64_t version() const { return newest_.back(); }

  // Returns the version at the moment when `tick` was the newest tick.
  std::uint64_t version_at(std::uint64_t tick) const { return newest_[tick]; }

  // Whether a checkout is only partly written.
  bool is_mixed() const { return is_mixed_; }

  const std::optional<GitLock>& git_lock() const { return lock_; }

  TimePoint locked_at() const { return locked_at_; }

  // The newest tick before git began to write. Only valid while there is a lock.
  std::uint64_t tick_at_lock() const { return tick_at_lock_; }

  // Called at each change that inotify reports: a save, or the end of a lock that is not hidden.
  std::vector<std::function<void()>> on_change;

 private:
  void write(bool is_watched, const char* how);
  void tell_change() const;

  World& world_;
  std::vector<std::uint64_t> newest_ = {0};  // version at each tick
  bool is_mixed_ = false;
  std::optional<GitLock> lock_;
  TimePoint locked_at_{};
  std::uint64_t tick_at_lock_ = 0;
};

}  // namespace hpp::sim
