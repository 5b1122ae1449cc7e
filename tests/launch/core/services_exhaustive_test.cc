// Runs every possible history of the services up to a depth. A move is one event that can occur: a
// helper starts, fails to start or exits, a timer expires, or a stop is requested.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "launch/core/services.h"
#include "tests/support/walk.h"

namespace hpp::launch {
namespace {

// The number of events after Begun.
constexpr int kDepth = 9;

// All helpers have a watchdog. To limit the histories, only this one's expires.
constexpr Helper kWatched = Helper::Proxyd;

struct Move {
  std::string name;
  Event event;
};

std::vector<Move> moves() {
  std::vector<Move> all;
  const auto add = [&](Helper which, std::string_view what, Event event) {
    all.push_back({fmt::format("{} {}", to_string(which), what), std::move(event)});
  };
  for (const Helper which : kHelpers) {
    add(which, "started", HelperStarted{which});
    add(which, "did not start", StartFailed{which, "why"});
    add(which, "ready", HelperReady{which});
    add(which, "alive", HelperAlive{which});
    add(which, "hangs", WatchdogExpired{which});
    add(which, "is debugged", WatchdogExpired{.which = which, .is_traced = true});
    add(which, "exited 0", HelperExited{which, {.by_signal = false, .number = 0}});
    add(which, "exited 1", HelperExited{which, {.by_signal = false, .number = 1}});
    add(which, "crashed", HelperExited{which, {.by_signal = true, .number = SIGKILL}});
    add(which, "due", RestartDue{which});
  }
  all.push_back({"restart asked", RestartAsked{}});
  all.push_back({"pause asked", PauseAsked{}});
  all.push_back({"stop", StopRequested{SIGINT}});
  all.push_back({"time over", StopTimeOver{}});
  all.push_back({"swept", BackendSwept{}});
  return all;
}

// Services, and a model of the processes and timers that its effects act on.
class World : public test::Rules {
 public:
  explicit World(std::set<Services::State>& reached) : reached_(&reached) { take(Begun{}); }

  bool allows(const Move& move) const {
    return std::visit([this](const auto& event) { return can_happen(event); }, move.event);
  }

  void make(const Move& move) { take(move.event); }

  // No event is sure to come, so there is no history that leads to a good end.
  void recover() {}

  bool has_moved_on(const World&) const { return true; }

 private:
  struct Process {
    enum class Is { None, Asked, Alive };

    Is is = Is::None;
    bool resting = false;   // the restart timer runs
    bool rested = false;    // the restart timer was started at some time; its expiry may be late
    bool watchdog = false;  // the watchdog's timer runs
    bool hangs = false;     // the watchdog's timer has expired
    bool has_run = false;   // a failed start does not end hpp-launch then
  };

  const Process& of(Helper which) const { return processes_[static_cast<std::size_t>(which)]; }

  Process& of(Helper which) { return processes_[static_cast<std::size_t>(which)]; }

  bool is_alive(Helper which) const { return of(which).is == Process::Is::Alive; }

  bool is_watched(Helper which) const {
    return is_alive(which) && which == kWatched && of(which).watchdog;
  }

  // ---- what can happen ----

  bool can_happen(const HelperStarted& e) const { return of(e.which).is == Process::Is::Asked; }

  bool can_happen(const StartFailed& e) const { return of(e.which).is == Process::Is::Asked; }

  bool can_happen(const HelperReady& e) const {
    if (!is_alive(e.which)) return false;
    return (e.which == kHelpers.front() && !ready_) ||
           (e.which == Helper::Supervisord && !supervised_ && (asked_ || pause_asked_));
  }

  bool can_happen(const HelperAlive& e) const { return is_watched(e.which); }

  bool can_happen(const WatchdogExpired& e) const { return is_watched(e.which); }

  bool can_happen(const HelperExited& e) const { return is_alive(e.which); }

  bool can_happen(const RestartDue& e) const { return of(e.which).rested; }

  bool can_happen(const RestartAsked&) const { return !asked_; }

  bool can_happen(const PauseAsked&) const { return !pause_asked_; }

  bool can_happen(const StopRequested&) const { return stops_ < 3; }

  bool can_happen(const StopTimeOver&) const { return stop_timer_; }

  bool can_happen(const BackendSwept&) const { return sweep_asked_; }

  template <class E>
  bool can_happen(const E&) const {
    return false;
  }

  // ---- what has happened ----

  void take(const Event& event) {
    std::visit([this](const auto& e) { note(e); }, event);
    const bool was_left = services_.state() == Services::State::Left;
    now_ += std::holds_alternative<StopRequested>(event) ? kSameStop : Milliseconds{1};
    const Effects effects = services_.on(event, now_);
    require(!was_left || effects.empty(), "something is done after Leave");
    for (const Effect& effect : effects) std::visit([this](const auto& e) { perform(e); }, effect);
    reached_->insert(services_.state());
    check();
  }

  void check() {
    bool is_alone = true;
    for (const Process& process : processes_) {
      require(process.is != Process::Is::Alive || stopped_ || process.watchdog || process.hangs,
              "a helper runs unwatched");
      is_alone = is_alone && process.is == Process::Is::None;
    }
    if (!stopped_) return;
    require(services_.state() != Services::State::Keeping, "still in Keeping after a stop");
    require(!is_alone || sweep_asked_ || left_,
            "all helpers are gone, but it neither sweeps nor leaves");
    require(stop_timer_ || left_, "waits without a deadline");
  }

  template <class E>
  void note(const E&) {}

  void note(const HelperStarted& e) {
    of(e.which).is = Process::Is::Alive;
    of(e.which).has_run = true;
  }

  void note(const HelperReady& e) {
    (e.which == Helper::Supervisord ? supervised_ : ready_) = true;
  }

  void note(const RestartAsked&) { asked_ = true; }

  void note(const PauseAsked&) { pause_asked_ = toggle_due_ = true; }

  void note(const StartFailed& e) {
    of(e.which).is = Process::Is::None;
    if (!of(e.which).has_run) cause(1);
  }

  void note(const HelperExited& e) {
    of(e.which).is = Process::Is::None;
    of(e.which).watchdog = of(e.which).hangs = false;
    if (e.which == Helper::Supervisord) supervised_ = false;
    if (e.status == ExitStatus{.by_signal = false, .number = 1}) cause(1);
  }

  void note(const WatchdogExpired& e) {
    of(e.which).watchdog = false;
    of(e.which).hangs = !e.is_traced;
  }

  void note(const RestartDue& e) { of(e.which).resting = false; }

  void note(const StopRequested&) {
    ++stops_;
    if (services_.state() == Services::State::Sweeping) overdue_ = true;
    cause(128 + SIGINT);
  }

  void note(const StopTimeOver&) {
    stop_timer_ = false;
    if (services_.state() != Services::State::Stopping) overdue_ = true;
  }

  void note(const BackendSwept&) { sweep_asked_ = false; }

  void cause(int status) {
    stopped_ = true;
    if (first_status_ < 0) first_status_ = status;
  }

  // ---- what is done ----

  void perform(const StartHelper& e) {
    require(!stopped_, "starts a helper after the stop");
    require(of(e.which).is == Process::Is::None, "runs a helper twice");
    require(!of(e.which).resting, "starts a helper before its restart timer expires");
    require(e.which == kHelpers.front() || ready_, "does not wait for the first helper");
    of(e.which).is = Process::Is::Asked;
  }

  void perform(const TerminateHelper& e) {
    require(stopped_, "stops a helper unasked");
    require(is_alive(e.which), "signals a helper that does not run");
  }

  void perform(const KillHelper& e) {
    require(stopped_ || of(e.which).hangs, "kills a helper unasked");
    require(is_alive(e.which), "signals a helper that does not run");
  }

  void perform(const RestartBackend&) {
    require(asked_ && !stopped_, "restarts the backend unasked");
    require(supervised_, "sends SIGHUP to a supervisord that is not ready for it");
  }

  void perform(const TogglePause&) {
    require(std::exchange(toggle_due_, false) && !stopped_, "toggles the pause unasked");
    require(supervised_, "sends SIGRTMIN to a supervisord that is not ready for it");
  }

  void perform(const StartWatchdog& e) {
    require(!stopped_, "watches after the stop");
    require(is_alive(e.which), "watches a helper that does not run");
    of(e.which).watchdog = true;
  }

  void perform(const StartRestartTimer& e) {
    require(!stopped_, "plans a restart after the stop");
    require(of(e.which).is == Process::Is::None, "plans a restart of a running helper");
    of(e.which).resting = of(e.which).rested = true;
  }

  void perform(const StartStopTimer&) { stop_timer_ = true; }

  void perform(const SweepBackend&) {
    require_no_helper("sweeps while a helper lives");
    sweep_asked_ = was_swept_ = true;
  }

  void perform(const Say& e) { require(!e.text.empty(), "says nothing"); }

  void perform(const Leave& e) {
    require(!std::exchange(left_, true), "leaves twice");
    require(was_swept_, "leaves without a sweep");
    require(e.exit_status == first_status_, "leaves with another status");
    require_no_helper("leaves while a helper lives");
  }

  void require_no_helper(const char* broken) {
    for (const Process& p : processes_) require(p.is == Process::Is::None || overdue_, broken);
  }

  Services services_;
  std::set<Services::State>* reached_;  // the states of all copies
  TimePoint now_{};
  Process processes_[kHelpers.size()];
  bool ready_ = false;       // the first helper was ready at some time
  bool supervised_ = false;  // supervisord is ready
  bool asked_ = false;       // a restart was requested at some time
  bool pause_asked_ = false;
  bool toggle_due_ = false;
  bool stop_timer_ = false;
  bool sweep_asked_ = false;
  bool was_swept_ = false;  // SweepBackend was emitted
  bool stopped_ = false;    // a stop was requested, or a start cannot work
  bool overdue_ = false;    // a deadline has passed: living processes may be left behind
  bool left_ = false;
  int stops_ = 0;
  int first_status_ = -1;  // the expected exit status: the first cause's
};

TEST(ServicesExhaustive, EveryHistoryKeepsThePromises) {
  const std::vector<Move> all = moves();
  std::set<Services::State> reached;
  test::Walk<World, Move> walk(all, kDepth, 0);
  walk.from(World(reached));
  EXPECT_GT(walk.histories(), 100'000);
  EXPECT_EQ(reached.size(), 5U) << "a state was never reached";
}

}  // namespace
}  // namespace hpp::launch
