#include "watchd/core/change_counter.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace hpp::watchd {
namespace {

// Adds a file to those that changed together: the names of the first ones, and the number of all.
void add(const std::string& name, std::vector<std::string>& first, std::uint64_t& count) {
  if (std::find(first.begin(), first.end(), name) != first.end()) return;
  if (++count <= bus::kChangedPathsMax) first.push_back(name);
}

}  // namespace

ChangeCounter::ChangeCounter(const Filter& filter)
    : ignores_unchanged_(filter.ignore_unchanged), concerns_(filter) {}

void ChangeCounter::learn(const std::vector<ChangedFile>& files) {
  contents_.learn(files);
}

std::vector<ChangedFile> ChangeCounter::news_of(const std::vector<ChangedFile>& reported) {
  std::vector<ChangedFile> news;
  for (const ChangedFile& file : reported) {
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
  bus::Refresh refresh =
      has_refresh_ ? tree.refresh : bus::Refresh{.count = tree.refresh.count + 1};
  for (const ChangedFile& file : news) {
    if (file.is_transient()) transient_.insert(file.name);
    switch (concerns_.of(file.name)) {
      case Concern::Backend:
        backend.push_back(file.name);
        break;
      case Concern::StyleSheet:
        add(file.name, refresh.css, refresh.css_count);
        break;
      case Concern::Page:
        add(file.name, refresh.reload, refresh.reload_count);
        break;
    }
  }
  if (refresh.css_count + refresh.reload_count > 0) {
    has_refresh_ = true;
    tree.refresh = std::move(refresh);
  }
  return backend;
}

void ChangeCounter::count_for_backend(const std::vector<std::string>& names, bus::TreeState& tree) {
  if (names.empty()) return;
  const bool is_first = !std::exchange(has_revision_, true);
  if (is_first) {
    ++tree.revision;
    tree.changed.clear();
    tree.changed_count = 0;
  } else if (tree.changed_count == 0) {
    return;  // not all changes of the batch are known
  }
  for (const std::string& name : names) {
    if (!transient_.contains(name)) add(name, tree.changed, tree.changed_count);
  }
  if (tree.changed_count == 0) tree.changed_count = names.size();
}

void ChangeCounter::count_unknown(bus::TreeState& tree) {
  contents_.forget();
  if (!std::exchange(has_revision_, true)) ++tree.revision;
  tree.changed.clear();
  tree.changed_count = 0;
}

}  // namespace hpp::watchd
