#include "watchd/poll/core/listing.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "watchd/core/fnv.h"

namespace hpp::watchd::poll {
namespace {

// The bits of a mode that hold the type, and their value for a symbolic link (inode(7)).
constexpr std::uint32_t kTypeMask = 0170000;
constexpr std::uint32_t kLinkType = 0120000;

// How many decisions are kept. More names than this come from a program that makes new names all
// the time, and then the old ones are useless.
constexpr std::size_t kDecisionsMax = 1'000'000;

// The bytes of a number, for a digest.
void add(std::uint64_t number, Fnv& digest) {
  const auto bytes = std::bit_cast<std::array<char, sizeof number>>(number);
  digest.add({bytes.data(), bytes.size()});
}

}  // namespace

bool Mark::is_link() const {
  return (mode & kTypeMask) == kLinkType;
}

bool precedes(std::string_view one, std::string_view other) {
  const auto rank = [](char c) { return c == '/' ? 0 : int{static_cast<unsigned char>(c)} + 1; };
  return std::lexicographical_compare(one.begin(), one.end(), other.begin(), other.end(),
                                      [&](char a, char b) { return rank(a) < rank(b); });
}

std::vector<ChangedFile> changes_between(const Listing& before, const Listing& after) {
  std::vector<ChangedFile> changes;
  auto old = before.begin();
  auto now = after.begin();
  while (old != before.end() || now != after.end()) {
    if (now != after.end() && old != before.end() && old->name == now->name) {
      if (old->mark != now->mark) changes.push_back({.name = now->name});
      ++old;
      ++now;
    } else if (now == after.end() || (old != before.end() && precedes(old->name, now->name))) {
      changes.push_back({.name = old->name, .exists = false});
      ++old;
    } else {
      changes.push_back({.name = now->name, .is_new = true});
      ++now;
    }
  }
  return changes;
}

std::uint64_t fingerprint(const Listing& listing) {
  Fnv digest;
  for (const auto& [name, mark] : listing) {
    add(name.size(), digest);
    digest.add(name);
    add(mark.size, digest);
    add(mark.inode, digest);
    add(static_cast<std::uint64_t>(mark.modified_ns), digest);
    add(static_cast<std::uint64_t>(mark.changed_ns), digest);
    add(mark.mode, digest);
  }
  return digest.value();
}

void Lister::begin() {
  at_ = 0;
  files_.clear();
  files_.reserve(before_->size());
  if (folders_.size() > kDecisionsMax) folders_.clear();
  if (uncounted_.size() > kDecisionsMax) uncounted_.clear();
}

bool Lister::holds_files(const std::string& folder) {
  const auto found = folders_.find(folder);
  if (found != folders_.end()) return found->second;
  return folders_[folder] = scope_.holds_files(prefix_ + folder);
}

bool Lister::lists_file(const std::string& name) {
  if (is_listed_before(name)) return true;
  if (uncounted_.contains(name)) return false;
  if (scope_.counts(prefix_ + name)) return true;
  uncounted_.insert(name);
  return false;
}

bool Lister::lists_link(const std::string& name) {
  return is_listed_before(name) || scope_.lists_link(prefix_ + name);
}

void Lister::add(std::string name, const Mark& mark) {
  files_.push_back({.name = std::move(name), .mark = mark});
}

void Lister::keep(const std::string& name) {
  if (is_listed_before(name)) files_.push_back((*before_)[at_]);
}

std::shared_ptr<const Listing> Lister::end() {
  before_ = std::make_shared<const Listing>(std::move(files_));
  files_ = {};
  return before_;
}

bool Lister::is_listed_before(const std::string& name) {
  while (at_ < before_->size() && precedes((*before_)[at_].name, name)) ++at_;
  return at_ < before_->size() && (*before_)[at_].name == name;
}

}  // namespace hpp::watchd::poll
