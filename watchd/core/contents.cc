#include "watchd/core/contents.h"

namespace hpp::watchd {

void Contents::learn(const Changes& changes) {
  forget();
  (void)news_of(changes);
}

std::vector<std::string> Contents::news_of(const Changes& changes) {
  if (changes.digests.empty()) return changes.files;
  std::vector<std::string> news;
  for (std::size_t i = 0; i < changes.files.size(); ++i) {
    const std::string& file = changes.files[i];
    const auto& digest = changes.digests[i];
    if (!digest) {
      known_.erase(file);
    } else if (const auto [known, is_new] = known_.try_emplace(file, *digest); !is_new) {
      if (known->second == *digest) continue;
      known->second = *digest;
    }
    news.push_back(file);
  }
  return news;
}

}  // namespace hpp::watchd
