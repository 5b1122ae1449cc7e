// Pure. Decides what watchd publishes about the files, for any source of changes (source.h).
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/bus/messages.h"
#include "common/emits.h"
#include "common/time_point.h"
#include "watchd/core/change_counter.h"
#include "watchd/core/effects.h"
#include "watchd/core/filter.h"
#include "watchd/core/git_lock.h"
#include "watchd/core/source.h"

namespace hpp::watchd {

// ---- limits -------------------------------------------------------------------------------------

// Delays between attempts to watch. The first suits a Watchman that is just being restarted, the
// last keeps an idle machine quiet.
constexpr std::chrono::milliseconds kRetryDelayMin{50};
constexpr std::chrono::milliseconds kRetryDelayMax{2000};

// Delays between a Sync that failed and the next one, while a ticket is open.
constexpr std::chrono::milliseconds kSyncPauseMin{20};
constexpr std::chrono::milliseconds kSyncPauseMax{100};

// The user is warned after this many failures in a row. Fewer are normal: `.git` is missing for a
// moment, Watchman is busy.
constexpr int kSyncFailuresBeforeWarning = 5;

// How often to look whether git's lock is gone. A look takes a few microseconds, and git holds its
// lock for less than a second. inotify(7) would cost more, because git's directory would have to be
// found again each time.
constexpr std::chrono::milliseconds kLockLookPause{5};

// How long the project folder may be missing before that counts as a change: less than the default
// of --barrier-timeout, so that requests are held meanwhile.
constexpr std::chrono::milliseconds kAbsenceMax{500};

// ---- events: these, and the reports of a source -------------------------------------------------

struct Started {};  // comes once, first

struct TicketSeen {  // a snapshot of proxyd arrived; most repeat a known ticket
  bus::Ticket ticket;
};

struct Looked {        // the answer to Look
  std::string folder;  // id of the directory at the project folder's path; empty: none
  std::vector<GitLock> locks;
  std::vector<std::string> repositories;  // folders of the repositories that hold Look::folders
};

struct FolderStirred {};  // a part of the project folder's path was made, renamed or removed

struct GitAsked {                  // the answer to AskGit
  std::vector<std::string> files;  // those that git does not ignore
  std::string problem;             // why git could not answer for some files; empty: it could
};

using Event = std::variant<Started, TimerExpired, TicketSeen, Looked, FolderStirred, GitAsked,
                           Delayed, Began, Changed, Lags, Watching, Synced, SyncFailed, Lost>;

// ---- effects: these, and the orders to the source -----------------------------------------------

// Look which directory the project folder is, and for locks in the git repositories that hold the
// project folder and `folders`. Answered at once.
struct Look {
  std::vector<std::string> folders;  // below the project folder

  bool operator==(const Look&) const = default;
};

struct AskGit {  // ask git which of these files it ignores; answered at once
  std::vector<std::string> files;

  bool operator==(const AskGit&) const = default;
};

struct Publish {
  bus::TreeState tree;  // without a stamp

  bool operator==(const Publish&) const = default;
};

using Effect =
    std::variant<Watch, Unwatch, Sync, StartTimer, StopTimer, Look, AskGit, Publish, Say>;
using Effects = std::vector<Effect>;

// ---- the tree -----------------------------------------------------------------------------------
//
//                (look) folder missing; source lost
//       ┌────────────────────────────────────────────────┐
//       ▼                                                │
//   Backoff ──► Starting ──source watches──► Watching ───┤
//                   │                                    │
//                   └────────────────────────────────────┘
//
//   Starting   Looks whether the project folder is there, then has the source watch it.
//   Watching   The only state that is published as `watching`.
//   Backoff    Waits before the next attempt, longer each time, and never gives up. A change of the
//              project folder's path ends the wait at once.
//
// If a watch begins without a clock, earlier changes are unknown. That counts as one change without
// a name, because a restart too many is a nuisance, and one too few means old code. The first watch
// of all is the exception, because no backend runs yet. But if a problem was published before it,
// a backend may have been running since then, and the watch counts a change.
//
// ---- the project folder is replaced ----
//
// hpp watches a path. `git checkout`, `mv`, `cp` or a changed symbolic link can put another
// directory at that path at any time. Sources watch directories, and do not notice all of these.
// Therefore every look compares the directory at the path with the watched one. The shell also
// reports (FolderStirred) when a part of the path was made, renamed or removed, so that a
// replacement is noticed between requests, too.
//
// A replacement ends the watch. The next watch is on the new directory, and counts one change,
// because it has no clock. If the folder is missing, there is no watch until it is back. For the
// first kAbsenceMax, the absence is treated as part of a replacement: proxyd holds the requests
// that arrive (proxyd/core/barrier.h). After that, the absence counts as a change of its own: the
// backend is killed, since its code is gone, and requests get an answer that says why. The return
// of the folder is the next change, and starts the backend.
//
// ---- tickets ----
//
// A source may report a change some time after the save: Watchman waits until no file has changed
// for 20 ms. proxyd cannot rely on that delay, and publishes a ticket. Watching has these steps:
//
//          ticket            no lock            synced          no lock
//   Idle ──────────► (look) ─────────► Syncing ───────► (look) ───────► answered; Idle
//                       │ lock            │ failed         │ lock
//                       ▼                 ▼                ▼
//          (look) ◄── Locked           Pausing ──► (look)  Locked
//
//   Idle      No ticket is open.
//   Syncing   A Sync is in flight. It covers the ticket that was the newest when it was sent; the
//             next Sync covers later tickets.
//   Locked    git is writing files. Tree looks every kLockLookPause, until the lock is gone or has
//             been held for too long to be respected (git_lock.h).
//   Pausing   A Sync has failed. The next one follows after a pause, if a ticket is open.
//
// A source's report is not published before a look for git's lock. While there is a lock, reports
// are kept and `settling` is published instead. When the lock is gone, a Sync fetches the remaining
// changes, so that one checkout causes one restart. If a lock comes and goes between two looks,
// Tree misses it. Then there are two restarts, but both backends see everything that git wrote,
// because git has finished. Watchman waits for the lock, too, but not when it is asked to flush,
// and it does not see the lock of a worktree.
//
// Several repositories may have files in the project folder: submodules (`git submodule update`
// writes under a lock below `.git/modules`) and clones beside each other. So a look also covers the
// repositories of all files that were reported since the last publication. If the source has lost
// track of the files, their repositories are unknown: that change is published after a look at the
// repository of the project folder alone.
//
// Two snapshots are published without a look: the one that reports that Watching begins, together
// with the changes counted before, and the one that reports the end of the watch. If git is writing
// at that moment, the backend may be started in the middle of a checkout, and the rest of the
// checkout counts as another change.
//
// A ticket is never answered before all earlier saves have been reported. If the source
// lags, saves of the last `lag_ms` milliseconds are the exception. proxyd limits how long a request
// waits, and does not wait at all if `watching` is false.

class Tree : private Emits<Effect> {
 public:
  enum class State { Backoff, Starting, Watching };

  struct Settings {
    std::string directory;  // path of the project folder, absolute
    Filter filter;
    std::optional<bus::TreeState> resumed;  // last snapshot of the previous watchd
  };

  explicit Tree(Settings settings);

  // Reacts to one event. Returns the effects to perform now, in order.
  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  State state() const { return state_; }

  // Whether every known change is published, and nothing is left to find out.
  bool is_idle() const {
    return state_ == State::Watching && step_ == Step::Idle && !looking_ && told_ == tree_;
  }

 private:
  enum class Step { Idle, Syncing, Locked, Pausing };  // step within Watching, see above

  void handle(const Started&, TimePoint now);
  void handle(const TimerExpired&, TimePoint now);
  void handle(const TicketSeen& event, TimePoint now);
  void handle(const Looked& event, TimePoint now);
  void handle(const FolderStirred&, TimePoint now);
  void handle(const GitAsked& event, TimePoint now);
  void handle(const Delayed& report, TimePoint now);
  void handle(const Began& report, TimePoint now);
  void handle(const Changed& report, TimePoint now);
  void handle(const Lags& report, TimePoint now);
  void handle(const Watching&, TimePoint now);
  void handle(const Synced&, TimePoint now);
  void handle(const SyncFailed& report, TimePoint now);
  void handle(const Lost& report, TimePoint now);

  void start();
  void watch(const Looked& looked, TimePoint now);
  void miss_folder(TimePoint now);
  void end_watch(const std::string& problem, TimePoint now);
  void back_off(const std::string& problem, TimePoint now);

  void adopt_folder();
  void look();
  void look_while_watching(const Looked& looked, TimePoint now);
  void wait_for_git();
  void go_on_without_lock();
  void go_on_watching();
  bool can_answer() const;
  void sync();
  void pause();
  void tell_sync_trouble(const std::string& why);
  void end_step();

  void count(const std::vector<ChangedFile>& files);
  void count_unknown(const std::string& why);

  void set_problem(const std::string& problem);
  void publish();
  void publish_settling();
  void say(Say::Level level, std::string text);

  Settings settings_;
  ChangeCounter counter_;
  State state_ = State::Backoff;
  bus::TreeState tree_;
  std::optional<bus::TreeState> told_;  // last published snapshot; nothing: none was published
  std::chrono::milliseconds retry_delay_ = kRetryDelayMin;
  std::optional<TimePoint> lost_at_;  // when Watching ended; nothing: Watching, or never was

  std::string folder_;        // id of the directory at the path when Watch was sent
  bool is_replaced_ = false;  // the directory was replaced since the last watch
  std::optional<TimePoint> missing_since_;
  bool absence_counted_ = false;

  bus::Ticket asked_;  // newest ticket
  Step step_ = Step::Idle;
  bool looking_ = false;                 // Look is not answered yet
  std::optional<bus::Ticket> covering_;  // ticket of the Sync in flight; none: git has interfered
  std::optional<bus::Ticket> covered_;  // ticket of the last Sync; answered unless a look finds git
  bool can_sync_ = true;                // false: the source cannot sync in this watch
  int sync_failures_ = 0;               // number of failures in a row
  bool sync_trouble_told_ = false;
  bool lag_told_ = false;
  LockPatience patience_;
  // Folders with files that were reported since the last publication, or the folders of their
  // repositories.
  std::set<std::string> folders_;

  bool git_trouble_told_ = false;
};

}  // namespace hpp::watchd
