// Pure. What Tree (tree.h) and a source say to each other.
//
// A *source* is one way to learn which files below the project folder change: a conversation with
// Watchman is one (watchd/watchman/). A source knows nothing of tickets, git or the bus.
//
//     Tree       source
//      │ Watch ──► │
//      │           │ Delayed, LinksListed   if there is a reason, before the watch begins
//      │           │ Began or Changed       once: what is known of the time before
//      │           │ Changed                any number of times
//      │           │ Watching
//      │           │ Changed                any number of times
//      │ Sync ───► │
//      │           │ Changed                whatever was saved before Sync and is not reported yet
//      │           │ Synced or SyncFailed
//      │           │ Lost                   may come at any time, and ends the watch
//      │ Unwatch ► │                        ends it, too
//
// One Sync is in flight at a time. Every Watch leads to Watching or Lost in the end, and every Sync
// to Synced, SyncFailed or Lost, so Tree needs no timeout for either.
//
// A *clock* is a source's name for a moment in the history of the files. It means nothing to Tree,
// which keeps the newest one for the next Watch; so does the snapshot, for the next watchd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hpp::watchd {

// ---- what Tree tells a source -------------------------------------------------------------------

struct Watch {
  std::string since;         // clock of the last report, maybe another source's; empty: none
  bool is_replaced = false;  // another directory is at the project folder's path than before

  bool operator==(const Watch&) const = default;
};

struct Unwatch {
  bool operator==(const Unwatch&) const = default;
};

struct Sync {  // report at once whatever has been saved by now
  bool operator==(const Sync&) const = default;
};

// ---- what a source reports ----------------------------------------------------------------------

struct ChangedFile {
  std::string name;     // relative to the project folder; bytes, not always UTF-8
  bool exists = true;   // now
  bool is_new = false;  // did not exist at the last report
  // Of its content, if Filter::ignore_unchanged is set. Nothing: the file is gone, is no plain
  // file, or could not be read.
  std::optional<std::uint64_t> digest;

  // Whether it was made and is gone again, like an editor's temporary file.
  bool is_transient() const { return is_new && !exists; }

  bool operator==(const ChangedFile&) const = default;
};

struct Delayed {  // the watch has not begun yet, and will if one waits
  std::string why;

  bool operator==(const Delayed&) const = default;
};

struct LinksListed {               // at most once in the life of a watchd
  std::vector<std::string> names;  // of all symbolic links that are not excluded

  bool operator==(const LinksListed&) const = default;
};

struct Began {  // the answer to a Watch without a clock: what happened before is unknown
  std::string clock;
  std::vector<ChangedFile> files;  // all of them, if Filter::ignore_unchanged is set

  bool operator==(const Began&) const = default;
};

struct Changed {
  std::string clock;               // up to which all changes are reported
  std::vector<ChangedFile> files;  // those that the filter lets through; may be none
  std::string lost_track;          // why it is not known what changed; then there are no files

  bool operator==(const Changed&) const = default;
};

struct Watching {
  bool operator==(const Watching&) const = default;
};

struct Synced {
  bool operator==(const Synced&) const = default;
};

struct SyncFailed {
  std::string why;
  bool is_final = false;  // this watch will never sync

  bool operator==(const SyncFailed&) const = default;
};

struct Lost {
  std::string why;    // in words for the user
  std::string clock;  // where to go on; empty: that is not known

  bool operator==(const Lost&) const = default;
};

using Report =
    std::variant<Delayed, LinksListed, Began, Changed, Watching, Synced, SyncFailed, Lost>;

}  // namespace hpp::watchd
