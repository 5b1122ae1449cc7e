// Pure. The orders and reports that Tree (tree.h) and a source exchange.
//
// A *source* learns from one kind of watcher which files below the project folder change. Watchman
// is such a watcher (watchd/watchman/). A source does not deal with tickets, git or the bus.
//
//     Tree       source
//      │ Watch ──► │
//      │           │ Delayed                if there is a reason, before the watch begins
//      │           │ LinksListed            in the first watch, before Began, and with lost_track
//      │           │ Began or Changed       once: what is known of the time before the watch
//      │           │ Changed                any number of times
//      │           │ Watching
//      │           │ Changed                any number of times
//      │ Sync ───► │
//      │           │ Changed                all saves before the Sync that were not reported yet
//      │           │ Synced or SyncFailed
//      │           │ Lags                   may come at any time in a watch
//      │           │ Lost                   may come at any time, and ends the watch
//      │ Unwatch ► │                        ends the watch, too
//
// One Sync is in flight at a time. Every Watch leads to Watching or Lost in the end, and every Sync
// to Synced, SyncFailed or Lost, so Tree needs no timeout for either.
//
// A *clock* is a source's name for a moment in the history of the files. Tree does not interpret
// it. Tree passes the newest clock to the next Watch, and the snapshot keeps it for the next
// watchd.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hpp::watchd {

// ---- orders of Tree to a source -----------------------------------------------------------------

struct Watch {
  std::string since;         // clock of the last report, maybe of another source; empty: none
  bool is_replaced = false;  // another directory is at the project folder's path than before

  bool operator==(const Watch&) const = default;
};

struct Unwatch {
  bool operator==(const Unwatch&) const = default;
};

struct Sync {  // report at once all saves until now
  bool operator==(const Sync&) const = default;
};

using Order = std::variant<Watch, Unwatch, Sync>;

// ---- reports of a source ------------------------------------------------------------------------

struct ChangedFile {
  std::string name;     // relative to the project folder; bytes, not always UTF-8
  bool exists = true;   // whether it exists now
  bool is_new = false;  // did not exist at the last report
  // The content's digest, if Filter::ignore_unchanged is set. Nothing: the file is gone, is no
  // plain file, or could not be read.
  std::optional<std::uint64_t> digest;

  // Whether the file was created and deleted again, like an editor's temporary file.
  bool is_transient() const { return is_new && !exists; }

  bool operator==(const ChangedFile&) const = default;
};

struct Delayed {  // the watch has not begun yet, but no error has occurred
  std::string why;

  bool operator==(const Delayed&) const = default;
};

struct LinksListed {
  std::vector<std::string> names;  // all symbolic links that are not excluded; maybe other files

  bool operator==(const LinksListed&) const = default;
};

struct Began {  // the answer to a Watch without a clock: earlier changes are unknown
  std::string clock;
  std::vector<ChangedFile> files;  // all files, if Filter::ignore_unchanged is set; else none

  bool operator==(const Began&) const = default;
};

struct Changed {
  std::string clock;               // all changes up to this clock are reported
  std::vector<ChangedFile> files;  // the files that pass the filter, and maybe symbolic links
                                   // that no pattern matches; may be empty
  std::string lost_track;  // why the changed files are unknown; if it is set, `files` is empty

  bool operator==(const Changed&) const = default;
};

struct Watching {
  bool operator==(const Watching&) const = default;
};

struct Synced {
  bool operator==(const Synced&) const = default;
};

// From now on, a Synced may leave out saves of the last `lag`, because the source would take too
// long to find them. 0, as at the beginning of each watch: it leaves out none.
struct Lags {
  std::chrono::milliseconds lag{0};  // whole seconds
  std::string why;                   // the reason, in words for the user

  bool operator==(const Lags&) const = default;
};

struct SyncFailed {
  std::string why;
  bool is_final = false;  // this watch will never sync

  bool operator==(const SyncFailed&) const = default;
};

struct Lost {
  std::string why;        // in words for the user
  std::string clock;      // the clock for the next Watch; empty: unknown
  bool is_final = false;  // no further Watch will succeed; take another source (choice.h)

  bool operator==(const Lost&) const = default;
};

using Report =
    std::variant<Delayed, LinksListed, Began, Changed, Lags, Watching, Synced, SyncFailed, Lost>;

}  // namespace hpp::watchd
