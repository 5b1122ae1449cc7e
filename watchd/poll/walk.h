// Shell. Reads all directories of a tree, in slices, around poll::Lister.
#pragma once

#include <dirent.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "watchd/poll/core/listing.h"

namespace hpp::watchd::poll {

class Walk {
 public:
  enum class Outcome { Unfinished, Ended, Failed };

  Walk(std::string directory, Lister lister)
      : directory_(std::move(directory)), lister_(std::move(lister)) {}

  // Begins at the top. A walk that has not ended is dropped.
  void begin();

  // Goes on until `deadline`, or until one directory more is read. Directories that are gone or may
  // not be read count as empty. If a directory cannot be read for another reason, the walk fails,
  // because its files would seem to be gone.
  Outcome go_on(std::chrono::steady_clock::time_point deadline);

  // The result of a walk that has ended.
  std::shared_ptr<const Listing> take() { return lister_.end(); }

  // Why the walk has failed, in words for the user.
  const std::string& problem() const { return problem_; }

 private:
  struct Entry {
    std::string name;
    unsigned char type = 0;  // d_type, readdir(3)
  };

  struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };

  struct Folder {
    std::unique_ptr<DIR, CloseDirectory> handle;
    std::string path;  // relative to the top, with a slash at the end; empty: the top
    std::vector<Entry> entries{};
    std::size_t next = 0;  // index of the first entry that was not visited
  };

  void enter(int parent, const std::string& name, std::string path);
  void read_entries(Folder& folder);
  void visit(const Entry& entry);
  void add(int folder, const Entry& entry, const std::string& name);
  void fail(const std::string& path, int error);

  std::string directory_;
  Lister lister_;
  std::vector<Folder> folders_;  // from the top to the current one
  std::string problem_;
};

}  // namespace hpp::watchd::poll
