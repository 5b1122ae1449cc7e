// Pure. Decides how watchd talks with Watchman and what it tells the bus about the files.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "common/bus/messages.h"
#include "watchd/core/contents.h"
#include "watchd/core/git_lock.h"
#include "watchd/core/outside_links.h"
#include "watchd/core/watchman_pdu.h"

namespace hpp::watchd {

// ---- limits -------------------------------------------------------------------------------------

// Between attempts: the first is for a Watchman that is just being restarted, the last keeps an
// idle machine quiet.
constexpr std::chrono::milliseconds kRetryDelayMin{50};
constexpr std::chrono::milliseconds kRetryDelayMax{2000};

// How long Watchman may take to answer.
constexpr std::chrono::milliseconds kAnswerTimeout{10'000};

// So many times that long where Watchman may be reading a large directory for the first time.
constexpr int kCrawlPatience = 60;

// Between two flushes if Watchman refuses the first: somebody waits for the next.
constexpr std::chrono::milliseconds kFlushPauseMin{20};
constexpr std::chrono::milliseconds kFlushPauseMax{100};

// So many refusals in a row are no news: `.git` is missing for a moment, Watchman is busy.
constexpr int kFlushPatience = 5;

// How often to look whether git's lock is gone. A look costs a few microseconds, and git holds its
// lock for less than a second: inotify(7) on a directory that has to be found anew each time would
// be dearer in everything but that.
constexpr std::chrono::milliseconds kLockLookPause{5};

// How long the project folder may be missing before that counts as a change: less than the default
// of --barrier-timeout, so that requests are held meanwhile.
constexpr std::chrono::milliseconds kAbsenceMax{500};

// ---- events -------------------------------------------------------------------------------------

struct Started {};  // comes once, first

struct SocketFound {
  std::string path;
};

struct SocketNotFound {
  std::string why;
};

struct Connected {};

struct Disconnected {  // or never connected
  std::string why;
};

struct PduArrived {
  std::string bytes;  // one whole PDU
};

struct TimerExpired {};

struct TicketSeen {  // on the bus, again and again
  bus::Ticket ticket;
};

struct Looked {        // the answer to Look
  std::string folder;  // which directory is at the project folder's path; empty: none
  std::string root;    // which directory is at the root's path; empty: none, or it was not asked
  std::vector<GitLock> locks;
  std::vector<std::string> repositories;  // folders of the repositories that hold Look::folders
};

struct FolderStirred {};  // a part of the project folder's path was made, renamed or removed

struct GitAsked {                  // the answer to AskGit
  std::vector<std::string> files;  // those that git does not ignore
  std::string problem;             // why that is all of them; empty: it is not, or git says so
};

struct LinksFollowed {             // the answer to FollowLinks
  std::vector<OutsideLink> links;  // those that lead out of the project folder
};

using Event =
    std::variant<Started, SocketFound, SocketNotFound, Connected, Disconnected, PduArrived,
                 TimerExpired, TicketSeen, Looked, FolderStirred, GitAsked, LinksFollowed>;

// ---- effects ------------------------------------------------------------------------------------

struct FindSocket {  // run `watchman get-sockname`, which also starts Watchman
  bool operator==(const FindSocket&) const = default;
};

struct Connect {
  std::string path;

  bool operator==(const Connect&) const = default;
};

struct Send {
  std::string bytes;  // one whole PDU

  bool operator==(const Send&) const = default;
};

struct Disconnect {  // also ends the search for the socket: nothing more comes of either
  bool operator==(const Disconnect&) const = default;
};

struct StartTimer {  // the only timer; moves it if it runs
  std::chrono::milliseconds delay;

  bool operator==(const StartTimer&) const = default;
};

struct StopTimer {
  bool operator==(const StopTimer&) const = default;
};

// Look at the project folder, at Watchman's root, and for the locks of git repositories: of the
// one that holds the project folder, and of those that hold `folders`. Answered at once.
struct Look {
  std::string root;                  // empty: not known yet; then no locks are looked for
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

struct Say {  // a line of the log
  enum class Level { Warning, Info, Debug };

  Level level;
  std::string text;

  bool operator==(const Say&) const = default;
};

using Effect = std::variant<FindSocket, Connect, Send, Disconnect, StartTimer, StopTimer, Look,
                            AskGit, FollowLinks, Publish, Say>;
using Effects = std::vector<Effect>;

// ---- the conversation ---------------------------------------------------------------------------
//
//                           Forgetting
//                              ▲ │
//                              │ ▼
//   Finding ──► Connecting ──► Resolving ──► CatchingUp ──► Subscribing ──► Watching
//      ▲            │              │              │              │             │
//      │            ▼              ▼              ▼              ▼             ▼
//      └─ Backoff ◄─────── anything that goes wrong, in any state but Backoff ─┘
//
//   Finding      looks whether the project folder is there; then runs `watchman get-sockname`,
//                which starts Watchman if necessary
//   Connecting   to its socket
//   Resolving    watch-project: which root holds our directory; Watchman may read all of it first
//   Forgetting   watch-del: the root was replaced, and Watchman may still watch the old one
//   CatchingUp   first time: asks for the symbolic links, of which a warning names those that lead
//                out of the project folder, and for the clock of now, so that starting up is no
//                change; with --ignore-unchanged also for what is in all files. The links are asked
//                for once: if the connection ends before the answer, there is no warning.
//                With a clock (of the last connection, or of the watchd before us): asks what has
//                changed since; that counts
//   Subscribing  from the clock just told
//   Watching     the only state that is published as `watching`
//   Backoff      waits, longer each time, for ever; being Watching again makes it short again
//
// Why CatchingUp, when a subscription takes a clock too: a subscription from a clock that Watchman
// does not know (it was restarted) tells of it with the first files, and if no file matches it
// says nothing. A query is always answered, and says without the list of all files that nobody
// knows what changed. That counts as one change without a name: a restart too many is a nuisance,
// one too few is old code.
//
// Where that clock is lost, the same holds. A question that is refused in CatchingUp is asked once
// more without the wish for an answer in step, for which Watchman must be able to write into the
// directory. Refused again, it makes us give the clock up: else one that Watchman cannot read would
// be asked with for ever. And a first start that told of trouble had no clock yet while the backend
// was already running.
//
// Whatever is not understood ends the connection: one more or one less answer, and every later
// one would be taken for the answer to another question.
//
// ---- the project folder is replaced ----
//
// hpp watches a path. Another directory may be at that path at any time: `git checkout`, `mv` and
// `cp`, a symbolic link that is switched. Watchman watches directories, and does not notice all of
// that: if a process has the old directory open, as a backend has its working directory, a root
// that was removed and made again is never heard of again. So every look compares which directory
// is at the path with the one that is watched. The shell also reports (FolderStirred) when a part
// of the path was made, renamed or removed, so that a replacement is noticed between requests, too.
//
// A replacement ends the watch; the next one is on the new directory, and counts one change,
// because it has no clock to ask from. If the folder is missing, there is no watch until it is
// back. For kAbsenceMax that is taken for half of a replacement: proxyd holds the requests of that
// time (proxyd/core/barrier.h). Then the absence counts as a change of its own. The backend is
// killed, since its code is gone, cannot be started, and requests get an answer that says why; the
// return of the folder is the next change, and starts it.
//
// ---- tickets ----
//
// Watchman tells of a change when nothing has changed for 20 ms. Who cannot wait that long and not
// know asks a ticket on the bus, and Watching has these steps:
//
//          ticket            no lock            answer          no lock
//   Idle ──────────► (look) ─────────► Flushing ───────► (look) ───────► answered; Idle
//                       │ lock             │ refused        │ lock
//                       ▼                  ▼                ▼
//          (look) ◄── Locked            Pausing ──► (look)  Locked
//
//   Idle      nobody asks
//   Flushing  Watchman was asked to tell all now. Its answer covers the ticket that was the newest
//             when it was asked; those that have come meanwhile are the next flush's
//   Locked    git is writing the files; looks again and again, until git is done or its lock has
//             been there for too long to be believed
//   Pausing   Watchman has refused; is asked again as long as somebody wants to know
//
// Why look for git's lock, when a subscription waits until it is gone: a flush does not, and would
// have the backend started from half a checkout; and in a worktree, whose lock lies elsewhere,
// Watchman does not see it. So nothing that Watchman tells is published before a look: what comes
// while there is a lock is kept, `settling` is published instead, and when the lock is gone a flush
// fetches the rest, so that one checkout is one restart. A lock that comes and goes between two
// looks is missed: two restarts, but both see all that git wrote.
//
// Several repositories may have files in the project folder: submodules (`git submodule update`
// writes under a lock below `.git/modules`) and clones beside each other. So a look also covers
// the repositories of all files that Watchman has told since the last publication. Before the first
// such file is told, no file of that repository can be published. If Watchman has lost track of the
// files, their repositories are unknown: that change is published after a look at the repository of
// the project folder alone.
//
// Two snapshots are published without a look: when Watching begins, the one that says so, with what
// CatchingUp has counted; and when the watch ends, the one with the problem. If git is writing at
// that moment, the backend may be started in the middle of a checkout, and the rest of the checkout
// counts as another change.
//
// A ticket that cannot be answered truly is not answered: that nobody waits for ever is proxyd's
// business, who is told by `watching` when there is no hope.
//
// ---- whom a change concerns ----
//
// Of what Watchman tells, --ignore-unchanged takes away the files that have the content that they
// had, and --gitignore those that git ignores. git is asked each time: what it knows is in files
// that change as well.
//
// A batch names the files that exist before those that are gone. A file that was made and is gone
// again since the last batch is not named: an editor's temporary file says nothing to the user. It
// counts nevertheless, for a backend that was starting may have read it.
//
// One subscription has all files. What --css and --reload match is counted in `refresh`, all else
// in `revision`; a batch with both kinds counts in both. Nobody knows what changed: that counts as
// a change of the backend's, whose restart brings browsers up to date, too.

class Session {
 public:
  enum class State {
    Finding,
    Connecting,
    Forgetting,
    Resolving,
    CatchingUp,
    Subscribing,
    Watching,
    Backoff,
  };

  struct Settings {
    std::string directory;  // path of the project folder, absolute
    Filter filter;
    std::optional<bus::TreeState> resumed;  // what the watchd before us published last
  };

  explicit Session(Settings settings);

  // Reacts to one event. Returns what must be done now, in order.
  [[nodiscard]] Effects on(const Event& event, std::chrono::steady_clock::time_point now);

  State state() const { return state_; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Step { Idle, Flushing, Locked, Pausing };  // of Watching, see above

  enum class Question { Changes, Links, Contents, Clock };  // of CatchingUp

  void handle(const Started&, TimePoint now);
  void handle(const SocketFound& event, TimePoint now);
  void handle(const SocketNotFound& event, TimePoint now);
  void handle(const Connected&, TimePoint now);
  void handle(const Disconnected& event, TimePoint now);
  void handle(const PduArrived& event, TimePoint now);
  void handle(const TimerExpired&, TimePoint now);
  void handle(const TicketSeen& event, TimePoint now);
  void handle(const Looked& event, TimePoint now);
  void handle(const FolderStirred&, TimePoint now);
  void handle(const GitAsked& event, TimePoint now);
  void handle(const LinksFollowed& event, TimePoint now);

  void take(const ProjectWatched& pdu, TimePoint now);
  void take(const RootForgotten&, TimePoint now);
  void take(const ClockTold& pdu, TimePoint now);
  void take(const ChangesTold& pdu, TimePoint now);
  void take(const Subscribed& pdu, TimePoint now);
  void take(const FilesChanged& pdu, TimePoint now);
  void take(const Flushed& pdu, TimePoint now);
  void take(const Canceled&, TimePoint now);
  void take(const Chatter&, TimePoint now);
  void take(const Refused& pdu, TimePoint now);
  void take(const Unknown& pdu, TimePoint now);

  void find();
  void find_with_folder(const Looked& looked, TimePoint now);
  void miss_folder(TimePoint now);
  void resolve();
  void resolve_root(const Looked& looked);
  bool may_watch_old_root(const Looked& looked) const;
  void enter(State state);
  void catch_up(Sync sync);
  Question next_question() const;
  void follow_links(const Changes& links);
  void keep_links(const std::vector<std::string>& names);
  void warn_of_links();
  void subscribe(const std::string& clock);
  void wait_for_crawl();
  void go_on_watching(TimePoint now);
  void rest();
  void stop_flushing();
  void look();
  void look_while_watching(const Looked& looked, TimePoint now);
  void wait_for_git();
  void go_on_without_lock();
  bool can_flush() const;
  void flush();
  void pause(const std::string& error);
  void tell_flush_trouble(const std::string& why);
  void count(const Changes& changes);
  std::vector<ChangedFile> news_of(const Changes& changes);
  void count_for_backend(const std::vector<std::string>& files);
  void count_unknown(const char* why);
  void fail(const std::string& problem, TimePoint now);
  void fail_odd(std::string_view what, TimePoint now);
  void set_problem(const std::string& problem);
  void tell_warning(const std::string& warning);
  void publish();
  void publish_settling();
  void say(Say::Level level, std::string text);

  // Built in place: GCC 12 takes the move of a variant for a use of its unset members.
  template <class E>
  void emit(E effect) {
    effects_.emplace_back(std::in_place_type<E>, std::move(effect));
  }

  Settings settings_;
  Concerns concerns_;
  State state_ = State::Finding;
  std::string folder_;        // which directory is to be watched, by the look before the search
  bool is_replaced_ = false;  // it is another one than was watched last
  std::optional<TimePoint> missing_since_;
  bool absence_counted_ = false;
  bool has_forgotten_ = false;  // Watchman was told to, on this connection
  std::string root_id_;         // which directory was place_.root when it was watched; empty: never
  Place place_;
  Question question_ = Question::Clock;  // asked in CatchingUp
  Sync sync_ = Sync::Full;               // whether that question asks Watchman to catch up first
  bool links_done_ = false;              // symbolic links were listed, or cannot be
  std::vector<OutsideLink> links_;       // wait for git to say which of them it ignores
  bus::TreeState tree_;
  std::optional<TimePoint> lost_at_;    // since when not Watching, after having been
  std::optional<bus::TreeState> told_;  // what readers know: of a moment before, without a clock,
                                        // nobody knows what followed
  std::chrono::milliseconds retry_delay_ = kRetryDelayMin;
  int timeouts_ = 0;  // of the current question
  Contents contents_;
  std::unordered_set<std::string> transient_;  // files of the current batch that are not named
  std::string warning_told_;
  bool git_trouble_told_ = false;
  bus::Ticket asked_;  // the newest
  Step step_ = Step::Idle;
  bool looking_ = false;                 // Look is not answered yet
  std::optional<bus::Ticket> covering_;  // by the flush in flight; none: git came in between
  std::optional<bus::Ticket> covered_;   // by the flush just answered: the look after it decides
  bool flush_is_known_ = true;           // to this Watchman
  int refusals_ = 0;                     // of flushes, in a row
  bool flush_trouble_told_ = false;
  LockPatience patience_;
  // Folders with files that were told since the last publication, or the folders of their
  // repositories.
  std::set<std::string> folders_;
  Effects effects_;  // of the event at hand
};

const char* to_string(Session::State state);

}  // namespace hpp::watchd
