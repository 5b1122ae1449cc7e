#include "watchd/inotify/core/directories.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/take_until.h"

namespace hpp::watchd::inotify {
namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, std::string_view name) {
  return std::binary_search(names.begin(), names.end(), name, std::less<>());
}

void insert(Names& names, std::string_view name) {
  const auto place = std::lower_bound(names.begin(), names.end(), name, std::less<>());
  if (place == names.end() || *place != name) names.emplace(place, name);
}

void erase(Names& names, std::string_view name) {
  const auto place = std::lower_bound(names.begin(), names.end(), name, std::less<>());
  if (place != names.end() && *place == name) names.erase(place);
}

}  // namespace

void Directories::clear() {
  for (const auto& [watch, directory] : by_watch_) loose_.insert(watch);
  nodes_.assign(1, {});
  free_.clear();
  by_watch_.clear();
}

std::optional<Directories::Id> Directories::with_watch(int watch) const {
  const auto found = by_watch_.find(watch);
  if (found == by_watch_.end()) return std::nullopt;
  return found->second;
}

std::vector<Directories::Id>::const_iterator Directories::place(Id parent,
                                                                std::string_view name) const {
  const std::vector<Id>& children = nodes_[parent].children;
  return std::lower_bound(
      children.begin(), children.end(), name,
      [this](Id id, std::string_view wanted) { return nodes_[id].name < wanted; });
}

std::optional<Directories::Id> Directories::child(Id parent, std::string_view name) const {
  const auto found = place(parent, name);
  if (found == nodes_[parent].children.end() || nodes_[*found].name != name) return std::nullopt;
  return *found;
}

std::optional<Directories::Id> Directories::at(std::string_view path) const {
  std::optional<Id> directory = kRoot;
  while (directory && !path.empty()) {
    directory = child(*directory, take_until('/', path));
  }
  return directory;
}

Directories::Id Directories::add(Id parent, std::string_view name) {
  const auto before = place(parent, name);
  std::vector<Id>& children = nodes_[parent].children;
  if (before != children.end() && nodes_[*before].name == name) return *before;
  const auto index = before - children.cbegin();
  Id id = static_cast<Id>(nodes_.size());
  if (free_.empty()) {
    nodes_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  nodes_[id].parent = parent;
  nodes_[id].name = name;
  std::vector<Id>& siblings = nodes_[parent].children;  // nodes_ may have moved
  siblings.insert(siblings.begin() + index, id);
  return id;
}

void Directories::remove(Id directory) {
  assert(directory != kRoot);
  empty(directory);
  loosen(directory);
  Node& node = nodes_[directory];
  nodes_[node.parent].children.erase(place(node.parent, node.name));
  node = {};
  free_.push_back(directory);
}

void Directories::empty(Id directory) {
  std::vector<Id> below;
  for_each_below(directory, [&](Id id) { below.push_back(id); });
  for (const Id id : below) {
    if (id == directory) continue;
    loosen(id);
    nodes_[id] = {};
    free_.push_back(id);
  }
  Node& node = nodes_[directory];
  node.children.clear();
  node.files.clear();
  node.specials.clear();
}

void Directories::set_watch(Id directory, int watch) {
  loosen(directory);
  loose_.erase(watch);
  if (const auto other = with_watch(watch)) nodes_[*other].watch = -1;
  nodes_[directory].watch = watch;
  by_watch_[watch] = directory;
}

std::optional<Directories::Id> Directories::forget_watch(int watch) {
  loose_.erase(watch);
  const auto directory = with_watch(watch);
  if (directory) nodes_[*directory].watch = -1;
  by_watch_.erase(watch);
  return directory;
}

std::vector<int> Directories::take_loose_watches() {
  const std::unordered_set<int> loose = std::exchange(loose_, {});
  return {loose.begin(), loose.end()};
}

void Directories::loosen(Id directory) {
  const int watch = std::exchange(nodes_[directory].watch, -1);
  if (watch < 0) return;
  by_watch_.erase(watch);
  loose_.insert(watch);
}

std::string Directories::path(Id directory, std::string_view name) const {
  std::string result = path(directory);
  if (!result.empty()) result += '/';
  return result.append(name);
}

std::string Directories::path(Id directory) const {
  std::vector<Id> way;
  for (Id id = directory; id != kRoot; id = nodes_[id].parent) way.push_back(id);
  std::string result;
  for (auto id = way.rbegin(); id != way.rend(); ++id) {
    if (!result.empty()) result += '/';
    result += nodes_[*id].name;
  }
  return result;
}

Directories::Kind Directories::kind(Id directory, std::string_view name) const {
  if (contains(nodes_[directory].files, name)) return Kind::File;
  return contains(nodes_[directory].specials, name) ? Kind::Special : Kind::Unknown;
}

void Directories::set_kind(Id directory, std::string_view name, Kind kind) {
  Node& node = nodes_[directory];
  erase(node.files, name);
  erase(node.specials, name);
  if (kind == Kind::File) insert(node.files, name);
  if (kind == Kind::Special) insert(node.specials, name);
}

void Directories::set_names(Id directory, Names files, Names specials) {
  for (Names* names : {&files, &specials}) {
    std::sort(names->begin(), names->end());
    names->shrink_to_fit();
  }
  nodes_[directory].files = std::move(files);
  nodes_[directory].specials = std::move(specials);
}

// Without recursion, because directories may be nested thousands of levels deep.
void Directories::for_each_below(Id directory, const std::function<void(Id)>& visit) const {
  std::vector<Id> waiting{directory};
  while (!waiting.empty()) {
    const Id id = waiting.back();
    waiting.pop_back();
    waiting.insert(waiting.end(), nodes_[id].children.begin(), nodes_[id].children.end());
    visit(id);
  }
}

void Directories::for_each_file(Id directory, const std::function<void(std::string)>& visit) const {
  for_each_below(directory, [&](Id id) {
    for (const std::string& name : nodes_[id].files) visit(path(id, name));
  });
}

}  // namespace hpp::watchd::inotify
