// Pure. Counts changes in the snapshot of the tree.
//
// A file that --css or --reload matches is counted in `refresh`, every other file in `revision`. A
// batch with both kinds counts in both. If it is unknown which files changed, only `revision`
// grows, because a restart of the backend brings browsers up to date, too.
//
// A batch names the files that exist before those that are gone. A file that was created and
// deleted since the last batch is not named, because the name of an editor's temporary file means
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

  // Returns the files of the batch that count; the existing ones come first. With
  // --ignore-unchanged, a file counts only if its content has changed.
  std::vector<ChangedFile> news_of(const std::vector<ChangedFile>& batch);

  // Counts the files in `news` that concern browsers alone. Returns the names of the others.
  std::vector<std::string> count_for_browsers(const std::vector<ChangedFile>& news,
                                              bus::TreeState& tree);

  // Counts one change of the backend's files. `names` is the newest result of count_for_browsers(),
  // or a part of it.
  void count_for_backend(const std::vector<std::string>& names, bus::TreeState& tree) const;

  // Counts one change without a name.
  void count_unknown(bus::TreeState& tree);

 private:
  bool ignores_unchanged_;
  Concerns concerns_;
  Contents contents_;
  std::unordered_set<std::string> transient_;  // the newest batch's files that are not named
};

}  // namespace hpp::watchd
