// Pure. Decides how watchd talks with Watchman: the source (watchd/core/source.h) that has Watchman
// report changes.
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

// So many times that long where Watchman may be reading a large directory for the first time.
constexpr int kCrawlPatience = 60;

// ---- events: these, and the orders of Tree ------------------------------------------------------

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

struct PduTooLong {  // its bytes are not waited for
  std::size_t size = 0;
};

struct RootSeen {  // the answer to LookAtRoot
  std::string id;  // which directory is there; empty: none
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

struct LookAtRoot {  // which directory is at the root's path; answered at once
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
//                          anything that goes wrong, and Unwatch
//
//   Off          no connection
//   Finding      runs `watchman get-sockname`, which starts Watchman if necessary
//   Connecting   to its socket
//   Resolving    watch-project: which root holds our directory. Watchman may read all of it first.
//   Forgetting   watch-del: the root was replaced, and Watchman may still watch the old one
//   CatchingUp   with a clock: asks what has changed since then.
//                Without one: asks for the symbolic links, of which hpp warns if they lead out of
//                the project folder, and for the clock of now; with --ignore-unchanged also for
//                what is in all files. The links are asked for once: if the connection ends before
//                the answer, there is no warning.
//   Subscribing  from the clock of that answer
//   Watching     flushes when it is asked to sync
//
// Why CatchingUp, if a subscription takes a clock too: if Watchman does not know the clock (it was
// restarted), a subscription says so only with the first files, and if no file matches it says
// nothing. A query is always answered, and says without the list of all files that Watchman does
// not know what changed.
//
// A question that is refused in CatchingUp is asked once more without a cookie, for which Watchman
// must be able to write into the directory. If it is refused again, the clock is given up, because
// Watchman may be unable to read it.
//
// If an answer is too long to be read, the same question is not asked again: the changes since a
// clock count as one change without a name, and without the contents of the files the first save
// of each file counts, whether its content has changed or not.
//
// Whatever is not understood ends the connection: with one answer too many or too few, every later
// one would be taken for the answer to another question.
//
// The root may be replaced (rm and mv, git checkout), and Watchman does not notice if a process has
// the old directory open, as a backend has its working directory. So if the root is not the
// directory that it was, Watchman is told to forget it first. A watchd that was started again does
// not know which directory its predecessor's root was, and goes by the project folder.

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
    bool lists_links = false;  // asks for symbolic links; an earlier watchd has not
  };

  explicit Conversation(Settings settings);

  // Reacts to one event. Returns what must be done now, in order.
  [[nodiscard]] Effects on(const Event& event);

  State state() const { return state_; }

 private:
  enum class Question { Changes, Links, Contents, Clock };  // of CatchingUp

  void handle(const Watch& order);
  void handle(const Unwatch&);
  void handle(const Sync&);
  void handle(const SocketFound& event);
  void handle(const SocketNotFound& event);
  void handle(const Connected&);
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
  bool asks_contents_;  // of all files, for Filter::ignore_unchanged
  State state_ = State::Off;
  std::string clock_;           // up to which everything is reported; empty: not known
  bool is_replaced_ = false;    // another project folder than that of the watch before
  bool has_forgotten_ = false;  // Watchman was told to, on this connection
  bool is_looking_ = false;     // LookAtRoot is not answered yet
  std::string root_id_;         // which directory was place_.root when it was watched; empty: never
  Place place_;
  Question question_ = Question::Clock;  // asked in CatchingUp
  Cookie cookie_ = Cookie::Wanted;       // whether that question has one
  int timeouts_ = 0;                     // since the current question
  bool is_flushing_ = false;             // in Watching: a flush is in flight
  std::string warning_told_;
};

std::string_view to_string(Conversation::State state);

}  // namespace hpp::watchd::watchman
