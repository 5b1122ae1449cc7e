// Pure. Counts changes in the snapshot of the tree.
//
// A file that --css or --reload matches is counted in `refresh`, every other file in `revision`. A
// batch with both kinds counts in both. If it is unknown which files changed, only `revision`
// grows, because a restart of the backend brings browsers up to date, too.
//
// All changes between two publications are one batch, for example those of a checkout, which are
// kept while git holds its lock.
//
// A report names the files that exist before those that are gone. A file that was created and
// deleted since the last report is not named, because the name of an editor's temporary file means
// nothing to the user. It counts nevertheless: a backend that was starting may have read it.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "common/bus/messages.h"
#include "watchd/core/contents.h"
#include "watchd/core/filter.h"
#include "watchd/core/source.h"

namespace hpp::watchd {

class ChangeCounter {
 public:
  explicit ChangeCounter(const Filter& filter);

  // Remembers the contents of `files`, which are all watched files. Counts nothing.
  void learn(const std::vector<ChangedFile>& files);

  // Returns the files of a source's report that count; the existing ones come first. With
  // --ignore-unchanged, a file counts only if its content has changed.
  std::vector<ChangedFile> news_of(const std::vector<ChangedFile>& reported);

  // Adds the files in `news` that concern browsers alone to the batch. Returns the names of the
  // others.
  std::vector<std::string> count_for_browsers(const std::vector<ChangedFile>& news,
                                              bus::TreeState& tree);

  // Adds changes of the backend's files to the batch. `names` is the newest result of
  // count_for_browsers(), or a part of it.
  void count_for_backend(const std::vector<std::string>& names, bus::TreeState& tree);

  // Adds a change without a name to the batch, which then names no files.
  void count_unknown(bus::TreeState& tree);

  // To be called when the tree was published.
  void end_batch() { has_revision_ = has_refresh_ = false; }

 private:
  bool ignores_unchanged_;
  Concerns concerns_;
  Contents contents_;
  std::unordered_set<std::string> transient_;  // the newest report's files that are not named
  bool has_revision_ = false;                  // the batch has counted in `revision`
  bool has_refresh_ = false;                   // the batch has counted in `refresh`
};

}  // namespace hpp::watchd
