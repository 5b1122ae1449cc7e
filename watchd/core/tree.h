// Pure. Decides what the bus is told about the files, for any source of changes (source.h).
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
#include "watchd/core/change_counter.h"
#include "watchd/core/effects.h"
#include "watchd/core/filter.h"
#include "watchd/core/git_lock.h"
#include "watchd/core/outside_links.h"
#include "watchd/core/source.h"

namespace hpp::watchd {

// ---- limits -------------------------------------------------------------------------------------

// Between attempts to watch: the first is for a Watchman that is just being restarted, the last
// keeps an idle machine quiet.
constexpr std::chrono::milliseconds kRetryDelayMin{50};
constexpr std::chrono::milliseconds kRetryDelayMax{2000};

// Between a Sync that failed and the next one, while a ticket is open.
constexpr std::chrono::milliseconds kSyncPauseMin{20};
constexpr std::chrono::milliseconds kSyncPauseMax{100};

// The user is warned after this many failures in a row. Fewer are normal: `.git` is missing for a
// moment, Watchman is busy.
constexpr int kSyncPatience = 5;

// How often to look whether git's lock is gone. A look costs a few microseconds, and git holds its
// lock for less than a second. inotify(7) on a directory that has to be found again each time would
// cost more.
constexpr std::chrono::milliseconds kLockLookPause{5};

// How long the project folder may be missing before that counts as a change: less than the default
// of --barrier-timeout, so that requests are held meanwhile.
constexpr std::chrono::milliseconds kAbsenceMax{500};

// ---- events: these, and the reports of a source -------------------------------------------------

struct Started {};  // comes once, first

struct TicketSeen {  // on the bus, again and again
  bus::Ticket ticket;
};

struct Looked {        // the answer to Look
  std::string folder;  // which directory is at the project folder's path; empty: none
  std::vector<GitLock> locks;
  std::vector<std::string> repositories;  // folders of the repositories that hold Look::folders
};

struct FolderStirred {};  // a part of the project folder's path was made, renamed or removed

struct GitAsked {                  // the answer to AskGit
  std::vector<std::string> files;  // those that git does not ignore
  std::string problem;             // why these are all of them; empty: git has answered
};

struct LinksFollowed {             // the answer to FollowLinks
  std::vector<OutsideLink> links;  // those that lead out of the project folder
};

using Event =
    std::variant<Started, TimerExpired, TicketSeen, Looked, FolderStirred, GitAsked, LinksFollowed,
                 Delayed, LinksListed, Began, Changed, Watching, Synced, SyncFailed, Lost>;

// ---- effects: these, and the orders to the source -----------------------------------------------

// Look at the project folder, and for the locks of git repositories: of the one that holds the
// project folder, and of those that hold `folders`. Answered at once.
struct Look {
  std::vector<std::string> folders;  // below the project folder

  bool operator==(const Look&) const = default;
};

struct AskGit {  // which of these files it ignores; answered at once
  std::vector<std::string> files;

  bool operator==(const AskGit&) const = default;
};

struct FollowLinks {  // where these symbolic links lead; answered at once
  std::vector<std::string> names;

  bool operator==(const FollowLinks&) const = default;
};

struct Publish {
  bus::TreeState tree;  // without stamp

  bool operator==(const Publish&) const = default;
};

using Effect = std::variant<Watch, Unwatch, Sync, StartTimer, StopTimer, Look, AskGit, FollowLinks,
                            Publish, Say>;
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
// A watch that begins without a clock cannot tell what happened before it. That counts as one
// change without a name, because a restart too many is a nuisance, and one too few is old code. The
// first watch of all is the exception, unless readers were told of trouble before it: the backend
// has been running since then.
//
// ---- the project folder is replaced ----
//
// hpp watches a path. Another directory may be at that path at any time: `git checkout`, `mv` and
// `cp`, a symbolic link that is switched. Sources watch directories, and do not notice all of that.
// So every look compares the directory at the path with the one that is watched. The shell also
// reports (FolderStirred) when a part of the path was made, renamed or removed, so that a
// replacement is noticed between requests, too.
//
// A replacement ends the watch. The next watch is on the new directory, and counts one change,
// because it has no clock. If the folder is missing, there is no watch until it is back. For
// kAbsenceMax that is taken for half of a replacement: proxyd holds the requests of that time
// (proxyd/core/barrier.h). After that the absence counts as a change of its own: the backend is
// killed, since its code is gone, and requests get an answer that says why. When the folder is
// back, that is the next change, and starts the backend.
//
// ---- tickets ----
//
// A source may report a change some time after the save; Watchman waits for 20 ms of quiet. A
// reader that cannot wait that long puts a ticket on the bus. Watching has these steps:
//
//          ticket            no lock            synced          no lock
//   Idle ──────────► (look) ─────────► Syncing ───────► (look) ───────► answered; Idle
//                       │ lock            │ failed         │ lock
//                       ▼                 ▼                ▼
//          (look) ◄── Locked           Pausing ──► (look)  Locked
//
//   Idle      No ticket is open.
//   Syncing   The source was asked for whatever was saved by now. That covers the ticket that was
//             the newest at that moment; later ones are covered by the next Sync.
//   Locked    git is writing the files. Looks again and again, until the lock is gone or has been
//             there for too long to be believed (git_lock.h).
//   Pausing   The source could not sync, and is asked again while a ticket is open.
//
// Nothing that a source reports is published before a look for git's lock. While there is a lock,
// reports are kept and `settling` is published instead. When the lock is gone, a Sync fetches the
// rest, so that one checkout is one restart. A lock that comes and goes between two looks is
// missed: that makes two restarts, but both backends see all that git wrote. Watchman waits for the
// lock, too, but not when it is asked to flush, and it does not see the lock of a worktree.
//
// Several repositories may have files in the project folder: submodules (`git submodule update`
// writes under a lock below `.git/modules`) and clones beside each other. So a look also covers the
// repositories of all files that were reported since the last publication. If the source has lost
// track of the files, their repositories are unknown: that change is published after a look at the
// repository of the project folder alone.
//
// Two snapshots are published without a look: the one that says that Watching begins, with whatever
// was counted before, and the one that says that the watch has ended. If git is writing at that
// moment, the backend may be started in the middle of a checkout, and the rest of the checkout
// counts as another change.
//
// A ticket that cannot be answered truly is not answered. proxyd limits how long a request waits;
// `watching` tells it that no answer will come.

class Tree : private Emits<Effect> {
 public:
  enum class State { Backoff, Starting, Watching };

  struct Settings {
    std::string directory;  // path of the project folder, absolute
    Filter filter;
    std::optional<bus::TreeState> resumed;  // what the watchd before us published last
  };

  explicit Tree(Settings settings);

  // Reacts to one event. Returns what must be done now, in order.
  [[nodiscard]] Effects on(const Event& event, std::chrono::steady_clock::time_point now);

  State state() const { return state_; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Step { Idle, Syncing, Locked, Pausing };  // of Watching, see above

  void handle(const Started&, TimePoint now);
  void handle(const TimerExpired&, TimePoint now);
  void handle(const TicketSeen& event, TimePoint now);
  void handle(const Looked& event, TimePoint now);
  void handle(const FolderStirred&, TimePoint now);
  void handle(const GitAsked& event, TimePoint now);
  void handle(const LinksFollowed& event, TimePoint now);
  void handle(const Delayed& report, TimePoint now);
  void handle(const LinksListed& report, TimePoint now);
  void handle(const Began& report, TimePoint now);
  void handle(const Changed& report, TimePoint now);
  void handle(const Watching&, TimePoint now);
  void handle(const Synced&, TimePoint now);
  void handle(const SyncFailed& report, TimePoint now);
  void handle(const Lost& report, TimePoint now);

  void start();
  void watch(const Looked& looked, TimePoint now);
  void miss_folder(TimePoint now);
  void end_watch(const std::string& problem, TimePoint now);
  void back_off(const std::string& problem, TimePoint now);

  void settle_in_folder();
  void look();
  void look_while_watching(const Looked& looked, TimePoint now);
  void wait_for_git();
  void go_on_without_lock();
  void go_on_watching();
  bool can_answer() const;
  void sync();
  void pause();
  void tell_sync_trouble(const std::string& why);
  void rest();

  void count(const std::vector<ChangedFile>& files);
  void count_unknown(const std::string& why);
  void keep_links(const std::vector<std::string>& names);
  void warn_of_links();

  void set_problem(const std::string& problem);
  void publish();
  void publish_settling();
  void say(Say::Level level, std::string text);

  Settings settings_;
  ChangeCounter counter_;
  State state_ = State::Backoff;
  bus::TreeState tree_;
  std::optional<bus::TreeState> told_;  // what readers know; nothing: the first watch is to come
  std::chrono::milliseconds retry_delay_ = kRetryDelayMin;
  std::optional<TimePoint> lost_at_;  // since when not Watching, after having been

  std::string folder_;        // which directory was at the path when the source was told to watch
  bool is_replaced_ = false;  // since the last watch
  std::optional<TimePoint> missing_since_;
  bool absence_counted_ = false;

  bus::Ticket asked_;  // the newest
  Step step_ = Step::Idle;
  bool looking_ = false;                 // Look is not answered yet
  std::optional<bus::Ticket> covering_;  // by the Sync in flight; none: git came in between
  std::optional<bus::Ticket> covered_;   // by the Sync just answered: the look after it decides
  bool can_sync_ = true;                 // this watch
  int sync_failures_ = 0;                // in a row
  bool sync_trouble_told_ = false;
  LockPatience patience_;
  // Folders with files that were reported since the last publication, or the folders of their
  // repositories.
  std::set<std::string> folders_;

  std::vector<OutsideLink> links_;  // wait for git to say which of them it ignores
  bool git_trouble_told_ = false;
};

}  // namespace hpp::watchd
