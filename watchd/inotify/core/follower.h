// Pure. Decides what the source `inotify` (watchd/core/source.h) reports, from the events of
// inotify(7).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "common/emits.h"
#include "common/time_point.h"
#include "watchd/core/effects.h"
#include "watchd/core/filter.h"
#include "watchd/core/scope.h"
#include "watchd/core/source.h"
#include "watchd/inotify/core/directories.h"
#include "watchd/inotify/core/queue.h"

namespace hpp::watchd::inotify {

// ---- limits -------------------------------------------------------------------------------------

// How many directories are read before the other events of watchd have a turn: some milliseconds.
constexpr int kSlice = 256;

// A change is reported after this time, even if files still change without a pause.
constexpr std::chrono::milliseconds kReportDelayMax{1000};

// How often the queue is read for one report. Each reading but the first follows the discovery of
// new directories, and only prevents that their files are reported twice.
constexpr int kReadingsMax = 16;

// ---- events: these, and the orders of Tree ------------------------------------------------------

struct QueueOpened {           // the answer to OpenQueue
  int error = 0;               // an errno value; 0: the queue is open
  std::uint64_t limit = 0;     // with EMFILE: the value of fs.inotify.max_user_instances
  std::string token{};         // the queue's token
  bool is_kept = false;        // the queue is the one that OpenQueue names
  std::uint64_t position = 0;  // the position of a kept queue (queue.h)
};

struct Entry {  // a name in a directory
  enum class Is { Directory, File, Link, Special };

  std::string name;
  Is is = Is::File;
};

struct DirectoryOpened {    // the answer to OpenDirectory
  int error = 0;            // an errno value; 0: the directory is watched, and was read after that
  std::uint64_t limit = 0;  // with ENOSPC: the value of fs.inotify.max_user_watches
  int watch = -1;
  std::vector<Entry> entries{};
};

struct QueueReadable {};  // there are events in the queue

struct QueueRead {  // the answer to ReadQueue
  std::vector<QueueEvent> events;
};

struct Examined {  // the answer to Examine

  struct Result {
    Directories::Kind is = Directories::Kind::Unknown;  // Unknown: a directory, or nothing
    std::optional<std::uint64_t> digest{};              // nothing: not asked for, or unreadable
  };

  std::vector<Result> results;  // in the order of Examine::names
};

struct LinksFound {  // the answer to FindLinks
  std::vector<std::string> names;
};

struct TurnCame {};  // the answer to AwaitTurn

using Event = std::variant<Watch, Unwatch, Sync, QueueOpened, DirectoryOpened, QueueReadable,
                           QueueRead, Examined, LinksFound, TurnCame, TimerExpired>;

// ---- effects: these, and the reports to Tree ----------------------------------------------------

// Open the kept queue that has this token, or a new one. Answered at once.
struct OpenQueue {
  std::string token;

  bool operator==(const OpenQueue&) const = default;
};

struct CloseQueue {  // ends all watches, too
  bool operator==(const CloseQueue&) const = default;
};

// Watch a directory, then read the names in it. Symbolic links are not followed. Answered at once.
struct OpenDirectory {
  std::string path;  // relative to the project folder

  bool operator==(const OpenDirectory&) const = default;
};

struct RemoveWatch {
  int watch = -1;

  bool operator==(const RemoveWatch&) const = default;
};

// Read all events that are in the queue now. Answered at once. Until KeepPosition, the next watchd
// must assume that changes were read that will never be reported. Before the reading, proxyd must
// learn that watchd is not idle (common/bus/idle.h).
struct ReadQueue {
  bool operator==(const ReadQueue&) const = default;
};

struct KeepPosition {  // store the position for the next watchd
  std::uint64_t position = 0;

  bool operator==(const KeepPosition&) const = default;
};

struct Examine {  // find out what these names are now; answered at once
  std::vector<std::string> names;
  bool wants_digests = false;

  bool operator==(const Examine&) const = default;
};

struct FindLinks {  // find out which of these names are symbolic links; answered at once
  std::vector<std::string> names;

  bool operator==(const FindLinks&) const = default;
};

struct AwaitTurn {  // answered after the other events of watchd had a turn
  bool operator==(const AwaitTurn&) const = default;
};

using Effect = std::variant<OpenQueue, CloseQueue, OpenDirectory, RemoveWatch, ReadQueue,
                            KeepPosition, Examine, FindLinks, AwaitTurn, StartTimer, StopTimer, Say,
                            LinksListed, Began, Changed, Watching, Synced, Lost>;
using Effects = std::vector<Effect>;

// ---- the follower -------------------------------------------------------------------------------
//
//   Off ──Watch──► Crawling ──all directories are watched──► Watching
//    ▲                │                                         │
//    └────────────────┴── Unwatch; the root is gone; a limit ───┘
//
// A *round* has these steps. Whatever happens meanwhile is in the queue, so no step can lose it.
//
//   1. Read the queue until the end that it has now.
//   2. Open each directory that is new: add a watch, then read the names in it. The names of a
//      directory that was made after the watch began count as changes.
//   3. Repeat from 1 if 2 found something, because the queue now has events for the same names.
//      Each name is reported once.
//   4. Find the symbolic links among the new names that no pattern matches. They count, because the
//      files behind them may match.
//   5. If a report is due: examine the changed names, and report them.
//
// A round begins when the queue is readable, at a Sync, and when the time of a report has come. A
// report is due at a Sync, `settle` after the latest change, and kReportDelayMax after the first.
// Because the kernel appends an event before write(2) returns, the round of a Sync reports every
// save that was made before it.
//
// Crawling opens all directories before it reads the queue, and then goes through such a round.
//
// ---- directories that move ----
//
// The two halves of a rename are treated as the removal of one directory and the making of another.
// So the cookies that join the halves are not needed, and a half whose partner is outside of the
// project folder is nothing special. A directory that moves keeps its watch in the kernel, and
// OpenDirectory returns the same number at the new place. A watch that is not found again by the
// end of a round is removed. Until then, its events can be ignored: either the directory has left
// the project folder, or it is opened at another place, and all of its files count as changed.
//
// ---- what is lost ----
//
// If the queue overflows, the changed files are unknown, and directories may have no watch. All
// directories are opened again. The same happens if watchd is restarted and gets its queue back
// from the service manager: the kernel returns the numbers that the watches had, so that the queued
// events can be read. An event of an unknown directory then counts as a change without a name.

class Follower : private Emits<Effect> {
 public:
  enum class State { Off, Crawling, Watching };

  struct Settings {
    Filter filter;
    std::vector<std::string> ignored;  // folders relative to the project folder (Scope)
    std::chrono::milliseconds settle{20};
  };

  explicit Follower(Settings settings);

  // Reacts to one event. Returns the effects to perform now, in order. An answer must be the next
  // event.
  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  State state() const { return state_; }

  // Whether every change that was read from the queue is reported.
  bool is_idle() const {
    return state_ == State::Watching && !is_in_round_ && !has_changes_ && !is_syncing_;
  }

 private:
  using Id = Directories::Id;

  // A directory that must be opened. `counts`: its files count as changes.
  struct Unopened {
    std::string path;
    bool counts = false;
  };

  void handle(const Watch& order);
  void handle(const Unwatch&);
  void handle(const Sync&);
  void handle(const QueueOpened& event);
  void handle(const DirectoryOpened& event);
  void handle(const QueueReadable&);
  void handle(const QueueRead& event);
  void handle(const Examined& event);
  void handle(const LinksFound& event);
  void handle(const TurnCame&);
  void handle(const TimerExpired&);

  void take(const QueueEvent& event);
  void touch_file(Id directory, const QueueEvent& event);
  void add_directory(Id parent, const QueueEvent& event);
  void remove_directory(Id parent, const std::string& name);
  void forget(Id directory);
  void retry_directory(Id parent, const std::string& name);
  void open_again(int watch);
  void take_overflow();
  void take_unmatched(const QueueEvent& event);

  void add_entries(Id directory, const std::vector<Entry>& entries);
  void refuse(Id directory, const DirectoryOpened& event);
  void touch(const std::string& path, Directories::Kind before);
  void note_touched(const std::string& path, Directories::Kind before);
  void touch_all(Id directory);
  void count_unknown(std::string why);
  void note_change();
  std::optional<ChangedFile> judge(const std::string& path, Directories::Kind before,
                                   const Examined::Result& now);

  void crawl();
  void start_round();
  void go_on();
  void open_next();
  void begin();
  void end_round();
  void report();
  void report_files(std::vector<ChangedFile> files);
  void finish_round();
  void schedule_report();
  void tell_unreadable();
  void turn_off();
  void lose(std::string why);
  void lose_for_good(std::string why);
  std::string clock() const;

  Settings settings_;
  Scope scope_;
  State state_ = State::Off;
  TimePoint now_{};
  std::optional<Clock> since_;  // the clock that Watch has passed, if it is one of inotify
  std::string token_;
  std::uint64_t position_ = 0;
  bool is_kept_ = false;  // the queue is older than this watch

  Directories directories_;
  std::vector<Unopened> unopened_;
  Unopened opening_;                // OpenDirectory is not answered yet
  int opened_in_turn_ = 0;          // directories
  bool must_list_links_ = false;    // all directories are being opened
  std::vector<std::string> links_;  // found so far, if must_list_links_

  bool has_begun_ = false;       // Began or Changed was reported in this watch
  bool is_catching_up_ = false;  // the events that are read may be older than the crawl
  bool is_in_round_ = false;
  bool is_read_ = false;  // the queue was read after the last directory was opened
  int readings_ = 0;      // how often the queue was read in this round
  bool is_syncing_ = false;
  bool is_sync_unread_ = false;  // the queue was not read since the Sync
  bool is_due_ = false;          // the time of a report has come

  // Changed names, and what they were before. The kernel's limit for its queue and kReportDelayMax
  // limit their number.
  std::map<std::string, Directories::Kind> pending_;
  std::set<std::string> unmatched_;      // new names that no pattern matches; maybe links
  std::string lost_track_;               // why the changed files are unknown
  bool has_changes_ = false;             // there is something to report; position_ has grown
  bool has_new_changes_ = false;         // in this round
  std::optional<TimePoint> changed_at_;  // when the first change to report was read
  bool is_learning_ = false;             // Examine is for Began

  std::map<std::string, int> unreadable_;  // directories, and an errno value; not logged yet
  std::unordered_set<std::string> unreadable_told_;
};

std::string_view to_string(Follower::State state);

}  // namespace hpp::watchd::inotify
