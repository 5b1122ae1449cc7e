// Pure. Presents several sources to Tree as one, by the orders and reports of source.h.
//
// A *part* is a directory whose files count, with a source of its own. The first part is the
// project folder. The prefix of a part is the path by which the project reaches its files, and
// begins the name of each file that is reported: the file `money.py` of the part `../shared/` is
// `../shared/money.py`.
//
//                    source watches            source lost, directory replaced
//   Looking ──► Starting ───────► Watching ─────────────────────┐
//      │  ▲        │                                            ▼
//      │  │        └─────────────────────────────────────────► Down ──timer──► (look)
//      │  └── Absent ◄──no directory── (look)                                    │
//      └────────►  │                                                             │
//                  └──directory is back──► Starting ◄────────────────────────────┘
//
//   Off        The whole is not watched.
//   Looking    Looks whether the directory of the part is there.
//   Starting   The source has got a Watch, and has not reported Watching.
//   Watching   The source reports changes.
//   Down       Waits before the next attempt.
//   Retired    The link leads elsewhere, and the part is never watched again.
//   Absent     There is no directory, so there are no files. That is not an error, because a
//              checkout in another repository may remove a directory and bring it back.
//
// The whole begins when each part has begun, is Down or is Absent. The loss of the first part is
// the loss of the whole. The loss of another part is not: the other parts are watched, and the part
// is tried again. Meanwhile no Sync succeeds, so the barrier does not vouch for that part's files.
// If the source has lost track when it is back, that counts as one change.
//
// ---- symbolic links ----
//
// A source does not follow symbolic links. If a link leads out of the project folder, and a pattern
// can reach what is behind it (outside_links.h), its target becomes a part: the directory, or the
// only file of its directory, under the name of the link. The links are those that the sources list
// when they begin, and those among the changed files. A link in a part may lead to another part. It
// is not followed if its target overlaps a directory on the way to it, so there is no cycle. If a
// link leads elsewhere, the part of a file is Retired, and another one begins.
//
// A source that is lost for good (Lost::is_final) is replaced. The part is then watched as after
// any loss.
//
// A Sync looks at the directories of all parts but the first, for which Tree looks. A directory
// that was replaced ends the watch of its part, and that Sync fails.
//
// ---- the clock ----
//
// For the clock of the whole, see common/tree_clock.h. A part that is unknown to a clock, or has
// another directory, is watched without one.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/emits.h"
#include "common/tree_clock.h"
#include "watchd/core/effects.h"
#include "watchd/core/filter.h"
#include "watchd/core/outside_links.h"
#include "watchd/core/scope.h"
#include "watchd/core/source.h"

namespace hpp::watchd {

// ---- limits -------------------------------------------------------------------------------------

// Delays between attempts to watch a part.
constexpr std::chrono::milliseconds kPartDelayMin{50};
constexpr std::chrono::milliseconds kPartDelayMax{2000};

// ---- events: these, and the orders of Tree ------------------------------------------------------

struct FromPart {  // a report of a part's source
  std::size_t part = 0;
  Report report;
};

struct PartSeen {  // the answer to LookAtPart
  std::size_t part = 0;
  std::string id;  // id of the directory at the part's path; empty: none
};

struct LinksFollowed {             // the answer to FollowLinks
  std::vector<OutsideLink> links;  // the links that lead out of the project folder
};

struct PartStirred {  // a part of the path of the part's directory was made, renamed or removed
  std::size_t part = 0;
};

// ---- effects: these, and the reports to Tree ----------------------------------------------------

struct ToPart {  // an order to a part's source
  std::size_t part = 0;
  Order order;

  bool operator==(const ToPart&) const = default;
};

struct LookAtPart {  // look which directory is at the part's path; answered at once
  std::size_t part = 0;

  bool operator==(const LookAtPart&) const = default;
};

// Find out which of these names are symbolic links that git does not ignore, and where they lead.
// Answered before any other event.
struct FollowLinks {
  std::vector<std::string> names;

  bool operator==(const FollowLinks&) const = default;
};

struct AddPart {  // make a source for the target of a link; the part's number is the next one
  OutsideLink link;

  bool operator==(const AddPart&) const = default;
};

struct TakeNextSource {  // replace the part's source, which will never watch (choice.h)
  std::size_t part = 0;

  bool operator==(const TakeNextSource&) const = default;
};

struct RetirePart {  // destroy the part's source, which does not watch
  std::size_t part = 0;

  bool operator==(const RetirePart&) const = default;
};

using CompositionEvent = std::variant<Watch, Unwatch, Sync, FromPart, PartSeen, PartStirred,
                                      LinksFollowed, TimerExpired>;
using CompositionEffect = std::variant<Delayed, Began, Changed, Lags, Watching, Synced, SyncFailed,
                                       Lost, ToPart, LookAtPart, FollowLinks, AddPart,
                                       TakeNextSource, RetirePart, StartTimer, StopTimer, Say>;

// The reports to Tree among the effects.
using WholeReport = std::variant<Delayed, Began, Changed, Lags, Watching, Synced, SyncFailed, Lost>;

// ---- the composition ----------------------------------------------------------------------------

class Composition : private Emits<CompositionEffect> {
 public:
  // The state of the whole.
  enum class State { Off, Starting, Watching };

  // `project`: path of the project folder. `prefixes`: of all parts; the first one is empty.
  // `filter` decides which files count.
  Composition(std::string project, const std::vector<std::string>& prefixes, Filter filter);

  // Reacts to one event. Returns the effects to perform now, in order.
  [[nodiscard]] std::vector<CompositionEffect> on(const CompositionEvent& event);

  State state() const { return state_; }

  // Whether all parts are watched, and no Sync is in flight. An absent directory is not watched.
  bool is_idle() const;

 private:
  enum class PartState { Off, Looking, Starting, Watching, Down, Absent, Retired };

  enum class SyncStep { None, Looking, Syncing };  // a part's step of the Sync in flight

  struct Part {
    std::string prefix;  // the link's name, if `file` is set
    std::string target;  // path of the directory
    std::string file{};  // the only file in the directory that counts; empty: all files
    PartState state = PartState::Off;
    bool has_begun = false;  // in Starting: the source has reported Began or Changed
    SyncStep step = SyncStep::None;
    std::string clock;    // all changes of the part up to it are reported; empty: not known
    std::string id;       // id of the directory to which `clock` belongs
    std::string looked;   // id of the directory when Watch was sent
    std::string trouble;  // why the part is Down, already logged
    Lags lags{};          // the newest one of this watch of the part
  };

  void handle(const Watch& order);
  void handle(const Unwatch&);
  void handle(const Sync&);
  void handle(const FromPart& event);
  void handle(const PartSeen& event);
  void handle(const LinksFollowed& event);
  void handle(const PartStirred& event);
  void handle(const TimerExpired&);

  void take(Part& part, const Delayed& report);
  void take(Part& part, const LinksListed& report);
  void take(Part& part, const Began& report);
  void take(Part& part, const Changed& report);
  void take(Part& part, const Lags& report);
  void take(Part& part, const Watching&);
  void take(Part& part, const Synced&);
  void take(Part& part, const SyncFailed& report);
  void take(Part& part, const Lost& report);

  bool is_first(const Part& part) const { return &part == parts_.data(); }

  void order(const Part& part, Order order);
  void start(Part& part, const std::string& id);
  void miss(Part& part);
  void lose(Part& part, const std::string& why);
  void retire(Part& part);
  void add(const OutsideLink& link);
  bool may_follow(const OutsideLink& link) const;
  void follow(const Part& part, const std::vector<ChangedFile>& files);
  void turn_off();
  void begin_part(Part& part, const std::string& clock);
  std::vector<ChangedFile> named(const Part& part, const std::vector<ChangedFile>& files) const;
  void report_unknown(const std::string& why);
  void go_on();
  void begin();
  void fail_sync(const std::string& why, bool is_final);
  static std::string not_watched(const Part& part);
  void say(Say::Level level, std::string text);

  void split(std::string_view clock);
  void resume(Part& part);
  static std::string digest_of(const Part& part);
  std::string joint_clock() const;

  std::string project_;
  Filter filter_;
  Scope scope_;
  std::vector<Part> parts_;
  State state_ = State::Off;
  std::chrono::milliseconds delay_ = kPartDelayMin;
  bool is_timer_on_ = false;
  TreeClock since_;  // clocks of the parts at the last Watch

  // In Starting, until the whole begins: what the parts have reported.
  bool has_begun_ = false;
  bool is_any_known_ = false;           // a part has begun with all changes since its last watch
  bool is_any_new_ = false;             // a part has begun without them
  std::vector<ChangedFile> new_files_;  // files of parts that began without a clock
  std::vector<ChangedFile> changed_files_;
  std::string lost_track_;

  Lags lags_;  // the longest of the parts, as reported

  bool is_syncing_ = false;
  std::string sync_trouble_;  // why the Sync in flight will fail
  bool is_trouble_final_ = false;
};

}  // namespace hpp::watchd
