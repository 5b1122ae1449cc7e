#include "watchd/core/contents.h"

#include <utility>

namespace hpp::watchd {

void Contents::learn(const std::vector<ChangedFile>& files) {
  forget();
  for (const ChangedFile& file : files) (void)is_news(file);
}

bool Contents::is_news(const ChangedFile& file) {
  if (!file.digest) {
    known_.erase(file.name);
    return true;
  }
  const auto [known, is_new] = known_.try_emplace(file.name, *file.digest);
  return std::exchange(known->second, *file.digest) != *file.digest || is_new;
}

}  // namespace hpp::watchd
