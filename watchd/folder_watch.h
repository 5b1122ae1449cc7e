// Shell. Owns the view of the project folder: which directory is at its path now, and an inotify
// watch on the parts of that path.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"

namespace hpp::watchd {

// Notices when another directory takes the place of the one at a path.
class DirectoryView {
 public:
  // Returns the device and inode of the directory at `path`; empty if there is none. The directory
  // is kept open until another one is seen, so that no later directory can get the same inode.
  std::string look(const std::string& path);

 private:
  std::string id_;
  UniqueFd held_;
};

// Watches a path with inotify(7): the parent of each directory and each symbolic link on the way.
// Only events with the name of a part of the path count, so that other files do not wake an idle
// machine. If a part cannot be watched (permissions, limits), look() still returns the right id.
class FolderWatch {
 public:
  // Calls `on_stir` when a part of the path was made, renamed or removed. `loop` must outlive the
  // watch.
  FolderWatch(Loop& loop, std::string path, std::function<void()> on_stir);

  // Returns the id of the directory that is at the path now; empty if there is none
  // (DirectoryView).
  std::string look();

 private:
  void arm();
  void watch_path();
  void watch(const std::string& directory, const std::string& name, bool exists);
  void read_events();
  bool concerns_path(const char* events, std::size_t size) const;

  Loop& loop_;
  std::string path_;
  std::function<void()> on_stir_;
  DirectoryView view_;
  std::string seen_;  // id that the latest look() returned
  UniqueFd inotify_;
  std::unordered_map<int, std::set<std::string>> names_;  // parts, by inotify's watch descriptor
  std::unique_ptr<FdWatch> readable_;
};

}  // namespace hpp::watchd
