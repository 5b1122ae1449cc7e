// Pure. The files that a scan has found, and what differs between two scans.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "watchd/core/scope.h"
#include "watchd/core/source.h"

namespace hpp::watchd::poll {

// The metadata of a file (statx(2)). A save changes at least one of these, unless the file system
// keeps time in coarse steps (poller.h).
struct Mark {
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;  // since the Unix epoch
  std::int64_t changed_ns = 0;   // the time of the last change of the inode
  std::uint32_t mode = 0;        // type and permissions

  bool is_link() const;  // whether it is the metadata of a symbolic link

  bool operator==(const Mark&) const = default;
};

struct ListedFile {
  std::string name;  // relative to the source's directory
  Mark mark;

  bool operator==(const ListedFile&) const = default;
};

// In the order of precedes().
using Listing = std::vector<ListedFile>;

// The order of a directory tree whose directories are read in the order of their names: that of
// bytes, with the slash before all other characters.
bool precedes(std::string_view one, std::string_view other);

// Returns the files that are new, gone, or have another mark, without digests.
std::vector<ChangedFile> changes_between(const Listing& before, const Listing& after);

// Returns a number that is the same for equal listings in all processes, and by all odds another
// one for different listings.
std::uint64_t fingerprint(const Listing& listing);

// Collects the listing of one scan after another. Keeps the decisions of earlier scans, because
// matching each name against all globs would take longer than reading the directories.
class Lister {
 public:
  // `prefix` begins each name for which the scope decides; it is not a part of the listed names.
  Lister(Scope scope, std::string prefix) : scope_(std::move(scope)), prefix_(std::move(prefix)) {}

  // Begins a scan. The listing of a scan that has not ended is dropped.
  void begin();

  // The names of a scan must come in the order of precedes().
  bool holds_files(const std::string& folder);  // whether the scan must read this folder
  bool lists_file(const std::string& name);     // whether this file must be added
  bool lists_link(const std::string& name);     // whether this symbolic link must be added
  void add(std::string name, const Mark& mark);
  void keep(const std::string& name);  // its mark cannot be read: the mark of the last scan holds

  // Returns the listing of the scan; never null.
  std::shared_ptr<const Listing> end();

 private:
  bool is_listed_before(const std::string& name);

  Scope scope_;
  std::string prefix_;
  std::shared_ptr<const Listing> before_ = std::make_shared<Listing>();  // the last scan's
  std::size_t at_ = 0;  // position in before_ that the scan has reached
  Listing files_;
  std::unordered_map<std::string, bool> folders_;  // decisions
  std::unordered_set<std::string> uncounted_;      // files that do not count
};

}  // namespace hpp::watchd::poll
