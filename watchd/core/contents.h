// Pure. Remembers what is in the files, so that a save that changes nothing is no change.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "watchd/core/source.h"

namespace hpp::watchd {

// What is not known is always news: a restart too many is a nuisance, one too few is old code.
class Contents {
 public:
  // The files are as told, and readers of the tree know it.
  void learn(const std::vector<ChangedFile>& files);

  // Whether its content is not the one of before, which is what it is from now on.
  bool is_news(const ChangedFile& file);

  // Nobody knows what the files were when they were read last.
  void forget() { known_.clear(); }

 private:
  std::unordered_map<std::string, std::uint64_t> known_;
};

}  // namespace hpp::watchd
