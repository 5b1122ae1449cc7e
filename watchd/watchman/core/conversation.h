// Pure. Decides how watchd talks to Watchman: the source (watchd/core/source.h) whose watcher is
// Watchman.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/emits.h"
#include "watchd/core/effects.h"
#include "watchd/core/filter.h"
#include "watchd/core/source.h"
#include "watchd/watchman/core/pdu.h"

namespace hpp::watchd::watchman {

// ---- limits -------------------------------------------------------------------------------------

// How long Watchman may take to answer.
constexpr std::chrono::milliseconds kAnswerTimeout{10'000};

// Number of kAnswerTimeouts that are allowed in a state in which Watchman may be reading a large
// directory for the first time.
constexpr int kCrawlPatience = 60;

// ---- events: these, and the orders of Tree ------------------------------------------------------

struct SocketFound {
  std::string path;
};

struct SocketNotFound {
  std::string why;
};

struct Connected {
  // Settings::directory without `..` and symbolic links, which Watchman does not take everywhere.
  // Empty: unknown.
  std::string directory{};
};

struct Disconnected {  // the connection ended, or could not be made
  std::string why;
};

struct PduArrived {
  std::string bytes;  // one whole PDU
};

struct PduTooLong {  // a PDU is longer than the shell reads
  std::size_t size = 0;
};

struct RootSeen {  // the answer to LookAtRoot
  std::string id;  // id of the directory at the root's path; empty: none
};

using Event = std::variant<Watch, Unwatch, Sync, SocketFound, SocketNotFound, Connected,
                           Disconnected, PduArrived, PduTooLong, RootSeen, TimerExpired>;

// ---- effects: these, and the reports to Tree ----------------------------------------------------

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

struct Disconnect {  // ends the connection or the search for the socket, without another event
  bool operator==(const Disconnect&) const = default;
};

struct LookAtRoot {  // look which directory is at the root's path; answered at once
  std::string path;

  bool operator==(const LookAtRoot&) const = default;
};

using Effect =
    std::variant<FindSocket, Connect, Send, Disconnect, LookAtRoot, StartTimer, StopTimer, Say,
                 Delayed, LinksListed, Began, Changed, Watching, Synced, SyncFailed, Lost>;
using Effects = std::vector<Effect>;

// ---- the conversation ---------------------------------------------------------------------------
//
//                                 Forgetting
//                                    ▲ │
//                                    │ ▼
//   Off ──► Finding ──► Connecting ──► Resolving ──► CatchingUp ──► Subscribing ──► Watching
//    ▲         │            │              │              │              │             │
//    └─────────┴────────────┴──────────────┴──────────────┴──────────────┴─────────────┘
//                                  any failure, and Unwatch
//
//   Off          no connection
//   Finding      runs `watchman get-sockname`, which starts Watchman if necessary
//   Connecting   connects to Watchman's socket
//   Resolving    watch-project: asks for the root that holds the project folder. Watchman may read
//                all of the root first.
//   Forgetting   watch-del: the root was replaced, and Watchman may still watch the old directory
//   CatchingUp   First asks for the symbolic links, because hpp watches their targets outside the
//                project folder; from a clock only in the first watch, because new links are
//                among the changes. Then, if there is a clock: asks for the changes since then.
//                Otherwise: asks for the current clock, or with --ignore-unchanged for all files,
//                whose contents the shell reads.
//   Subscribing  subscribes to the changes after the clock of that answer
//   Watching     sends a flush for each Sync
//
// If Watchman has lost track of the files, links may be new: CatchingUp asks for them once more. In
// Watching, the list of all files, which then comes, is reported as the list of links.
//
// A subscription takes a clock, too, but CatchingUp is necessary: if Watchman does not know the
// clock (it was restarted), a subscription reports that only together with the first files, and if
// no file matches, it reports nothing. A query is always answered. It reports that the changes are
// unknown without listing all files.
//
// If Watchman refuses a question in CatchingUp, the question is repeated without a cookie, because
// for a cookie Watchman must be able to write into the directory. If Watchman refuses again, the
// clock is dropped, because Watchman may be unable to read it.
//
// If an answer is too long to be read, the same question is not asked again. The changes since a
// clock then count as one change without a name. Without the list of all files, the first save of
// each file counts, whether its content has changed or not. Links is asked once more, because that
// question is given up if the connection is lost twice in a row before its answer, for any reason.
//
// An unexpected PDU ends the connection: after an answer too many or too few, every later answer
// would be taken for the answer to another question.
//
// The root may be replaced (rm and mv, git checkout), and Watchman does not notice if a process has
// the old directory open, for example as its working directory, as a backend does. So if another
// directory is at the root's path than before, Watchman is first told to forget the root. A
// restarted watchd does not know which directory its predecessor's root was; it uses
// Watch::is_replaced, which concerns the project folder, instead.

class Conversation : private Emits<Effect> {
 public:
  enum class State {
    Off,
    Finding,
    Connecting,
    Forgetting,
    Resolving,
    CatchingUp,
    Subscribing,
    Watching,
  };

  struct Settings {
    std::string directory;  // path of the project folder, absolute
    Filter filter;
    bool lists_links = true;  // ask for symbolic links; turned off if the answer is unusable
  };

  explicit Conversation(Settings settings);

  // Reacts to one event. Returns the effects to perform now, in order.
  [[nodiscard]] Effects on(const Event& event);

  State state() const { return state_; }

 private:
  enum class Question { Changes, Links, Files, Clock };  // questions in CatchingUp

  void handle(const Watch& order);
  void handle(const Unwatch&);
  void handle(const Sync&);
  void handle(const SocketFound& event);
  void handle(const SocketNotFound& event);
  void handle(const Connected& event);
  void handle(const Disconnected& event);
  void handle(const PduArrived& event);
  void handle(const PduTooLong& event);
  void handle(const RootSeen& event);
  void handle(const TimerExpired&);

  void take(const ProjectWatched& pdu);
  void take(const RootForgotten&);
  void take(const ClockTold& pdu);
  void take(const ChangesTold& pdu);
  void take(const Subscribed& pdu);
  void take(const FilesChanged& pdu);
  void take(const Flushed& pdu);
  void take(const Canceled&);
  void take(const Chatter&);
  void take(const Refused& pdu);
  void take(const Unknown& pdu);

  void enter(State state);
  void resolve();
  bool may_watch_old_root(const std::string& root_id) const;
  void catch_up(Cookie cookie);
  Question next_question() const;
  void list_links(const Changes& links);
  void begin(const Changes& files);
  void report(const Changes& changes);
  void subscribe();
  void wait_for_crawl();
  void end_flush();
  void refuse_flush(const std::string& error);
  void turn_off();
  void lose(const std::string& why);
  void lose_odd(std::string_view what);
  void tell_warning(const std::string& warning);
  void say(Say::Level level, std::string text);

  Settings settings_;
  bool asks_files_;  // ask for all files, for Filter::ignore_unchanged
  State state_ = State::Off;
  std::string directory_;         // path of the project folder for this connection
  std::string clock_;             // all changes up to it are reported; empty: not known
  bool must_list_links_ = true;   // links are not known, or may be new
  bool were_links_lost_ = false;  // the connection was lost the last time that Links was asked
  bool has_begun_ = false;        // Began or Changed was reported since the Watch
  bool is_replaced_ = false;      // the project folder was replaced since the previous watch
  bool has_forgotten_ = false;    // watch-del was sent on this connection
  bool is_looking_ = false;       // LookAtRoot is not answered yet
  std::string root_id_;           // id of place_.root when it was watched; empty: never watched
  Place place_;
  Question question_ = Question::Clock;  // latest question in CatchingUp
  Cookie cookie_ = Cookie::Wanted;       // cookie of that question
  int timeouts_ = 0;                     // number of timeouts since this state was entered
  bool is_flushing_ = false;             // in Watching: a flush is in flight
  std::string warning_told_;             // latest warning of Watchman, already logged
};

std::string_view to_string(Conversation::State state);

}  // namespace hpp::watchd::watchman
