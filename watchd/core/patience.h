// Pure. Decides between a source that may fail for a while (Watchman) and its *standby*, a source
// of another kind. Presents both to Composition as one, by the orders and reports of source.h.
//
//          first source lost, Unwatch
//    ┌───────────────────────────────────┐
//    ▼                                   │
//   Off ─────────────Watch─────────────► First ──no patience──► Both
//    ▲                                     ▲                    │ │
//    │                                     └─first source back──┘ │
//    └────────────────standby lost, Unwatch───────────────────────┘
//
//   Off     Not watched.
//   First   The first source has all orders.
//   Both    The standby has all orders. The first source is tried again and again.
//
// Patience ends if the first source needs longer than kPatience for a Watch, or than kSyncPatience
// for a Sync, or if it is lost again after it has been in trouble for kPatience. A loss before that
// is passed on, because most of them end at the next attempt: Watchman was restarted.
//
// The first watch of all is the exception. If Watchman cannot be run, for example because the user
// has no passwd entry, the standby begins at once. A loss would be published, and the user's server
// would be started without a watch, and again when there is one.
//
// ---- no save is left out, and none is invented ----
//
// The standby begins with the clock of the first source, which it cannot read. So it reports that
// it has lost track, which counts as one change.
//
// The return needs no such change. When the first source watches, a Sync to the standby fetches
// all saves before that moment. The reports of the first source until then are dropped, since the
// standby reports the same saves; those after it are kept until the Sync is answered. If the
// standby lags or cannot sync, the return counts as one change.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/emits.h"
#include "watchd/core/effects.h"
#include "watchd/core/source.h"

namespace hpp::watchd {

// How long the first source may take to begin.
constexpr std::chrono::milliseconds kPatience{2000};

// How long it may take to answer a Sync. Less than the default of --barrier-timeout, so that the
// standby can answer while the request still waits.
constexpr std::chrono::milliseconds kSyncPatience{1000};

// Delays between attempts to return to the first source.
constexpr std::chrono::milliseconds kReturnDelayMin{2000};
constexpr std::chrono::milliseconds kReturnDelayMax{30'000};

// ---- events: these, and the orders of Composition -----------------------------------------------

struct FromFirst {
  Report report;
};

struct FromStandby {
  Report report;
};

using PatienceEvent = std::variant<Watch, Unwatch, Sync, FromFirst, FromStandby, TimerExpired>;

// ---- effects: these, and the reports to Composition ---------------------------------------------

struct ToFirst {
  Order order;

  bool operator==(const ToFirst&) const = default;
};

struct ToStandby {
  Order order;

  bool operator==(const ToStandby&) const = default;
};

using PatienceEffect =
    std::variant<Delayed, LinksListed, Began, Changed, Lags, Watching, Synced, SyncFailed, Lost,
                 ToFirst, ToStandby, StartTimer, StopTimer, Say>;

// ---- the decision -------------------------------------------------------------------------------

class Patience : private Emits<PatienceEffect> {
 public:
  enum class State { Off, First, Both };

  // `first` is the name of the first source, `standby` says what the standby does: "polling".
  Patience(std::string first, std::string standby)
      : first_name_(std::move(first)), standby_words_(std::move(standby)) {}

  // Reacts to one event. Returns the effects to perform now, in order.
  [[nodiscard]] std::vector<PatienceEffect> on(const PatienceEvent& event);

  State state() const { return state_; }

 private:
  enum class Step { Off, Starting, Watching };  // the state of a source

  // The Sync in flight to the standby. Own: for the return. Useless: the first source was lost
  // meanwhile.
  enum class StandbySync { None, Own, Useless, OfWhole };

  void handle(const Watch& order);
  void handle(const Unwatch&);
  void handle(const Sync&);
  void handle(const FromFirst& event);
  void handle(const FromStandby& event);
  void handle(const TimerExpired&);

  void take_first(const Began& report);
  void take_first(const Changed& report);
  void take_first(const Watching&);
  void take_first(const Synced& report);
  void take_first(const SyncFailed& report);
  void take_first(const Lost& report);
  void take_first(const Delayed& report);
  void take_first(const LinksListed& report);
  void take_first(const Lags& report);

  void take_standby(const Began& report);
  void take_standby(const Changed& report);
  void take_standby(const Watching&);
  void take_standby(const Synced&);
  void take_standby(const SyncFailed& report);
  void take_standby(const Lost& report);
  void take_standby(const Delayed& report);
  void take_standby(const LinksListed& report);
  void take_standby(const Lags& report);

  void use_standby(const std::string& why);
  void prepare_return();
  void return_to_first(bool vouches);
  void begin_sync();
  void report(Changed changed);
  void report_watching();
  template <class R>
  void answer_sync(const R& report);
  void end_whole();
  void start_timer(std::chrono::milliseconds delay);
  void stop_timer();

  std::string first_name_;
  std::string standby_words_;
  State state_ = State::Off;
  Step first_ = Step::Off;
  Step standby_ = Step::Off;
  StandbySync standby_sync_ = StandbySync::None;
  bool is_timer_on_ = false;  // Off, First: patience; Both: the next attempt to return
  bool is_over_ = false;      // patience has ended; the next loss of the first source is final
  bool was_used_ = false;     // the first source has watched, and not only in Both
  std::chrono::milliseconds return_delay_ = kReturnDelayMin;

  // The watch of the whole.
  bool has_begun_ = false;    // Began or Changed was reported
  bool is_watching_ = false;  // Watching was reported
  bool is_syncing_ = false;   // a Sync is in flight
  std::string clock_;         // the clock of the newest report, or of the Watch
  bool lags_ = false;         // the newest Lags is not 0

  std::string first_clock_;    // newest clock of the first source
  bool is_replaced_ = false;   // Watch::is_replaced, which the first source has not got yet
  std::vector<Changed> kept_;  // in Both: reports of the first source since the own Sync
};

std::string_view to_string(Patience::State state);

}  // namespace hpp::watchd
