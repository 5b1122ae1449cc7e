// Pure. Remembers the files' contents, so that a save that changes nothing is no change.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "watchd/core/source.h"

namespace hpp::watchd {

// A file whose earlier content is not known always counts as changed: a restart too many is a
// nuisance, one too few means old code.
class Contents {
 public:
  // Replaces all remembered contents with those of `files`.
  void learn(const std::vector<ChangedFile>& files);

  // Returns whether the file's content differs from the remembered one. Remembers the new one.
  bool is_news(const ChangedFile& file);

  // Forgets all contents. The next report of each file is news.
  void forget() { known_.clear(); }

 private:
  std::unordered_map<std::string, std::uint64_t> known_;  // digests by file name
};

}  // namespace hpp::watchd
