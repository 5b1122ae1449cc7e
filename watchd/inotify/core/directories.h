// Pure. The directories below the project folder that inotify watches, and the names of their
// files.
//
// inotify(7) reports an event with the number of a watch and the name of a file. The map from that
// number to the directory's path is made here, with a parent and a name per directory instead of a
// path, so that a moved directory changes one entry. The names of the files are kept because the
// kernel does not list the files of a directory that is moved away.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace hpp::watchd::inotify {

class Directories {
 public:
  using Id = std::uint32_t;

  static constexpr Id kRoot = 0;

  // Begins with the root, which has no watch and no files.
  Directories() : nodes_(1) {}

  // Forgets all directories but the root, and the root's watch and files.
  void clear();

  // Returns the directory with that watch.
  std::optional<Id> with_watch(int watch) const;

  // Returns the directory `name` in `parent`.
  std::optional<Id> child(Id parent, std::string_view name) const;

  // Returns the directory with that path; the root's path is empty.
  std::optional<Id> at(std::string_view path) const;

  // Adds the directory, if there is none of that name, and returns it.
  Id add(Id parent, std::string_view name);

  // Removes a directory other than the root, with all directories below it.
  void remove(Id directory);

  // Removes the names of the files, and all directories below.
  void empty(Id directory);

  bool is_watched(Id directory) const { return nodes_[directory].watch >= 0; }

  // Sets the watch of a directory. The kernel has one watch per directory, so if another directory
  // had this watch, it has been moved here, and loses it.
  void set_watch(Id directory, int watch);

  // Forgets a watch that the kernel has removed. Returns the directory that had it.
  std::optional<Id> forget_watch(int watch);

  // Returns the watches of directories that were removed here and not found again, so that the
  // kernel has to remove the watches, too.
  std::vector<int> take_loose_watches();

  // The path relative to the root of `name` in a directory.
  std::string path(Id directory, std::string_view name) const;
  std::string path(Id directory) const;

  // A plain file or a symbolic link counts as a file; a FIFO, socket or device is special.
  enum class Kind { Unknown, File, Special };

  Kind kind(Id directory, std::string_view name) const;
  void set_kind(Id directory, std::string_view name, Kind kind);

  // Replaces the names of the files and special files in the directory, in any order.
  void set_names(Id directory, std::vector<std::string> files, std::vector<std::string> specials);

  // Calls the function with each directory from this one downwards.
  void for_each_below(Id directory, const std::function<void(Id)>& visit) const;

  // Calls the function with the path of each file in the directory and below it.
  void for_each_file(Id directory, const std::function<void(std::string)>& visit) const;

 private:
  struct Node {
    Id parent = kRoot;
    int watch = -1;  // number of inotify's watch; -1: none
    std::string name;
    std::vector<Id> children;           // sorted by name
    std::vector<std::string> files;     // sorted
    std::vector<std::string> specials;  // sorted
  };

  std::vector<Id>::const_iterator place(Id parent, std::string_view name) const;
  void loosen(Id directory);

  std::vector<Node> nodes_;
  std::vector<Id> free_;  // unused places in nodes_
  std::unordered_map<int, Id> by_watch_;
  std::unordered_set<int> loose_;
};

}  // namespace hpp::watchd::inotify
