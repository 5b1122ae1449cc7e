#include "watchd/core/change_counter.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace hpp::watchd {
namespace {

// Files that changed together: the names of the first ones, and the number of all.
struct Names {
  std::vector<std::string> first;
  std::uint64_t count = 0;

  void add(const std::string& name) {
    if (++count <= bus::kChangedPathsMax) first.push_back(name);
  }
};

}  // namespace

ChangeCounter::ChangeCounter(const Filter& filter)
    : ignores_unchanged_(filter.ignore_unchanged), concerns_(filter) {}

void ChangeCounter::learn(const std::vector<ChangedFile>& files) {
  contents_.learn(files);
}

std::vector<ChangedFile> ChangeCounter::news_of(const std::vector<ChangedFile>& batch) {
  std::vector<ChangedFile> news;
  for (const ChangedFile& file : batch) {
    if (!ignores_unchanged_ || contents_.is_news(file)) news.push_back(file);
  }
  std::stable_partition(news.begin(), news.end(),
                        [](const ChangedFile& file) { return file.exists; });
  return news;
}

std::vector<std::string> ChangeCounter::count_for_browsers(const std::vector<ChangedFile>& news,
                                                           bus::TreeState& tree) {
  transient_.clear();
  std::vector<std::string> backend;
  Names css;
  Names reload;
  for (const ChangedFile& file : news) {
    if (file.is_transient()) transient_.insert(file.name);
    switch (concerns_.of(file.name)) {
      case Concern::Backend:
        backend.push_back(file.name);
        break;
      case Concern::StyleSheet:
        css.add(file.name);
        break;
      case Concern::Page:
        reload.add(file.name);
        break;
    }
  }
  if (css.count + reload.count > 0) {
    tree.refresh = {.count = tree.refresh.count + 1,
                    .css = std::move(css.first),
                    .css_count = css.count,
                    .reload = std::move(reload.first),
                    .reload_count = reload.count};
  }
  return backend;
}

void ChangeCounter::count_for_backend(const std::vector<std::string>& names,
                                      bus::TreeState& tree) const {
  if (names.empty()) return;
  Names named;
  for (const std::string& name : names) {
    if (!transient_.contains(name)) named.add(name);
  }
  ++tree.revision;
  tree.changed_count = named.count == 0 ? names.size() : named.count;
  tree.changed = std::move(named.first);
}

void ChangeCounter::count_unknown(bus::TreeState& tree) {
  contents_.forget();
  ++tree.revision;
  tree.changed.clear();
  tree.changed_count = 0;
}

}  // namespace hpp::watchd
