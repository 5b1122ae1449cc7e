// Pure. Counts changes in the snapshot of the tree.
//
// What --css and --reload match is counted in `refresh`, everything else in `revision`. A batch
// with both kinds counts in both. If it is unknown what changed, only `revision` grows, because a
// restart of the backend brings browsers up to date, too.
//
// A batch names the files that exist before those that are gone. A file that was made and is gone
// again since the last batch is not named, because an editor's temporary file says nothing to the
// user. It counts nevertheless: a backend that was starting may have read it.
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

  // These are all files as they are now. Nothing is counted.
  void learn(const std::vector<ChangedFile>& files);

  // Returns the files of the batch that count, those that exist first. With --ignore-unchanged a
  // file counts if its content has changed.
  std::vector<ChangedFile> news_of(const std::vector<ChangedFile>& batch);

  // Counts those of `news` that concern browsers alone. Returns the names of the others.
  std::vector<std::string> count_for_browsers(const std::vector<ChangedFile>& news,
                                              bus::TreeState& tree);

  // Counts these names, of the newest batch: what count_for_browsers() returned, or a part of it.
  void count_for_backend(const std::vector<std::string>& names, bus::TreeState& tree) const;

  // Counts one change without a name.
  void count_unknown(bus::TreeState& tree);

 private:
  bool ignores_unchanged_;
  Concerns concerns_;
  Contents contents_;
  std::unordered_set<std::string> transient_;  // files of the newest batch that are not named
};

}  // namespace hpp::watchd
