// Runs every possible history of the services up to a depth. A step is one event that can occur: a
// helper starts, fails to start or exits, a timer expires, or a stop is requested.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <string>

#include "launch/core/services.h"

namespace hpp::launch {
namespace {

// The number of events after Begun.
constexpr int kDepth = 9;

// All helpers have a watchdog. To limit the histories, only this one's expires.
constexpr Helper kWatched = Helper::Proxyd;

enum class Process { None, Asked, Alive };

// The state of the processes and timers, outside of the services.
struct World {
  Services services;
  TimePoint now{};
  Process processes[kHelpers.size()] = {};
  bool resting[kHelpers.size()] = {};
  bool rested[kHelpers.size()] = {};
  bool watchdog[kHelpers.size()] = {};
  bool hangs[kHelpers.size()] = {};    // the helper's watchdog has expired
  bool has_run[kHelpers.size()] = {};  // a failed start does not end hpp-launch then
  bool ready = false;                  // the first helper was ready at some time
  bool supervised = false;             // supervisord is ready
  bool asked = false;                  // a restart was requested at some time
  bool stop_timer = false;
  bool sweep_asked = false;
  bool was_swept = false;  // SweepBackend was emitted
  bool stopped = false;    // a stop was requested, or a start cannot work
  bool overdue = false;    // a deadline has passed: living processes may be left behind
  int stops = 0;
  int first_status = -1;  // the expected exit status: the first cause's
  int leaves = 0;
};

struct Step {
  Event event;
  std::string name;
};

class Explorer {
 public:
  void run() {
    World world;
    take(world, {Begun{}, "begun"});
    explore(world, kDepth);
    EXPECT_GT(histories_, 100'000U);
    EXPECT_EQ(states_.size(), 5U) << "a state was never reached";
  }

 private:
  static std::size_t index(Helper which) { return static_cast<std::size_t>(which); }

  static std::vector<Step> possible(const World& world) {
    std::vector<Step> steps;
    for (const Helper which : kHelpers) {
      const std::string_view name = to_string(which);
      switch (world.processes[index(which)]) {
        case Process::None:
          break;
        case Process::Asked:
          steps.push_back({HelperStarted{which}, fmt::format("{} started", name)});
          steps.push_back({StartFailed{which, "why"}, fmt::format("{} did not start", name)});
          break;
        case Process::Alive:
          if (which == kHelpers.front() && !world.ready) {
            steps.push_back({HelperReady{which}, fmt::format("{} ready", name)});
          }
          if (which == Helper::Supervisord && !world.supervised && world.asked) {
            steps.push_back({HelperReady{which}, fmt::format("{} ready", name)});
          }
          if (which == kWatched && world.watchdog[index(which)]) {
            steps.push_back({HelperAlive{which}, fmt::format("{} alive", name)});
            steps.push_back({WatchdogExpired{which}, fmt::format("{} hangs", name)});
            steps.push_back({WatchdogExpired{.which = which, .is_traced = true},
                             fmt::format("{} is debugged", name)});
          }
          for (const int status : {0, 1}) {
            steps.push_back({HelperExited{which, {.by_signal = false, .number = status}},
                             fmt::format("{} exited {}", name, status)});
          }
          steps.push_back({HelperExited{which, {.by_signal = true, .number = SIGKILL}},
                           fmt::format("{} crashed", name)});
          break;
      }
      if (world.rested[index(which)]) {  // the timer may be late
        steps.push_back({RestartDue{which}, fmt::format("{} due", name)});
      }
    }
    if (!world.asked) steps.push_back({RestartAsked{}, "restart asked"});
    if (world.stops < 3) steps.push_back({StopRequested{SIGINT}, "stop"});
    if (world.stop_timer) steps.push_back({StopTimeOver{}, "time over"});
    if (world.sweep_asked) steps.push_back({BackendSwept{}, "swept"});
    return steps;
  }

  void explore(const World& world, int depth) {
    ++histories_;
    if (depth == 0 || ::testing::Test::HasFailure()) return;
    for (const Step& step : possible(world)) {
      World next = world;
      history_.push_back(step.name);
      take(next, step);
      explore(next, depth - 1);
      history_.pop_back();
    }
  }

  void take(World& world, const Step& step) {
    note(world, step.event);
    const bool was_left = world.services.state() == Services::State::Left;
    world.now += std::holds_alternative<StopRequested>(step.event) ? kSameStop : Milliseconds{1};
    const Effects effects = world.services.on(step.event, world.now);
    expect(!was_left || effects.empty(), "something is done after Leave");
    for (const Effect& effect : effects) {
      std::visit([&](const auto& e) { perform(world, e); }, effect);
    }
    states_.insert(world.services.state());
    for (const Helper which : kHelpers) {
      const bool is_alive = world.processes[index(which)] == Process::Alive;
      expect(
          !is_alive || world.stopped || world.watchdog[index(which)] || world.hangs[index(which)],
          "a helper runs unwatched");
    }
    if (!world.stopped) return;
    expect(world.services.state() != Services::State::Keeping, "still in Keeping after a stop");
    const bool alone = std::all_of(std::begin(world.processes), std::end(world.processes),
                                   [](Process p) { return p == Process::None; });
    expect(!alone || world.sweep_asked || world.leaves == 1,
           "all helpers are gone, but it neither sweeps nor leaves");
    expect(world.stop_timer || world.leaves == 1, "waits without a deadline");
  }

  static void note(World& world, const Event& event) {
    if (const auto* started = std::get_if<HelperStarted>(&event)) {
      world.processes[index(started->which)] = Process::Alive;
      world.has_run[index(started->which)] = true;
    } else if (const auto* ready = std::get_if<HelperReady>(&event)) {
      (ready->which == Helper::Supervisord ? world.supervised : world.ready) = true;
    } else if (std::holds_alternative<RestartAsked>(event)) {
      world.asked = true;
    } else if (const auto* failed = std::get_if<StartFailed>(&event)) {
      world.processes[index(failed->which)] = Process::None;
      if (!world.has_run[index(failed->which)]) cause(world, 1);
    } else if (const auto* exited = std::get_if<HelperExited>(&event)) {
      world.processes[index(exited->which)] = Process::None;
      if (exited->which == Helper::Supervisord) world.supervised = false;
      if (exited->status == ExitStatus{.by_signal = false, .number = 1}) cause(world, 1);
      world.watchdog[index(exited->which)] = world.hangs[index(exited->which)] = false;
    } else if (const auto* expired = std::get_if<WatchdogExpired>(&event)) {
      world.watchdog[index(expired->which)] = false;
      world.hangs[index(expired->which)] = !expired->is_traced;
    } else if (const auto* due = std::get_if<RestartDue>(&event)) {
      world.resting[index(due->which)] = false;
    } else if (std::holds_alternative<StopRequested>(event)) {
      ++world.stops;
      if (world.services.state() == Services::State::Sweeping) world.overdue = true;
      cause(world, 128 + SIGINT);
    } else if (std::holds_alternative<StopTimeOver>(event)) {
      world.stop_timer = false;
      if (world.services.state() != Services::State::Stopping) world.overdue = true;
    } else if (std::holds_alternative<BackendSwept>(event)) {
      world.sweep_asked = false;
    }
  }

  static void cause(World& world, int status) {
    world.stopped = true;
    if (world.first_status < 0) world.first_status = status;
  }

  void perform(World& world, const StartHelper& effect) {
    expect(!world.stopped, "starts a helper after the stop");
    expect(world.processes[index(effect.which)] == Process::None, "runs a helper twice");
    expect(!world.resting[index(effect.which)], "starts a helper before its restart timer expires");
    expect(effect.which == kHelpers.front() || world.ready, "does not wait for the first helper");
    world.processes[index(effect.which)] = Process::Asked;
  }

  void perform(World& world, const TerminateHelper& effect) {
    expect(world.stopped, "stops a helper unasked");
    expect(world.processes[index(effect.which)] == Process::Alive,
           "signals a helper that does not run");
  }

  void perform(World& world, const KillHelper& effect) {
    expect(world.stopped || world.hangs[index(effect.which)], "kills a helper unasked");
    expect(world.processes[index(effect.which)] == Process::Alive,
           "signals a helper that does not run");
  }

  void perform(World& world, const RestartBackend&) {
    expect(world.asked && !world.stopped, "restarts the backend unasked");
    expect(world.supervised, "sends SIGHUP to a supervisord that is not ready for it");
  }

  void perform(World& world, const StartWatchdog& effect) {
    expect(!world.stopped, "watches after the stop");
    expect(world.processes[index(effect.which)] == Process::Alive,
           "watches a helper that does not run");
    world.watchdog[index(effect.which)] = true;
  }

  void perform(World& world, const StartRestartTimer& effect) {
    expect(!world.stopped, "plans a restart after the stop");
    expect(world.processes[index(effect.which)] == Process::None,
           "plans a restart of a running helper");
    world.resting[index(effect.which)] = true;
    world.rested[index(effect.which)] = true;
  }

  void perform(World& world, const StartStopTimer&) { world.stop_timer = true; }

  void perform(World& world, const SweepBackend&) {
    for (const Process process : world.processes) {
      expect(process == Process::None || world.overdue, "sweeps while a helper lives");
    }
    world.sweep_asked = true;
    world.was_swept = true;
  }

  void perform(World&, const Say& effect) { expect(!effect.text.empty(), "says nothing"); }

  void perform(World& world, const Leave& effect) {
    ++world.leaves;
    expect(world.leaves == 1, "leaves twice");
    expect(world.was_swept, "leaves without a sweep");
    expect(effect.exit_status == world.first_status, "leaves with another status");
    for (const Process process : world.processes) {
      expect(process == Process::None || world.overdue, "leaves while a helper lives");
    }
  }

  void expect(bool right, const char* wrong) {
    if (right) return;
    std::string trace;
    for (const auto& name : history_) trace += "\n  " + name;
    ADD_FAILURE() << wrong << " after:" << trace;
  }

  std::vector<std::string> history_;
  std::set<Services::State> states_;
  std::size_t histories_ = 0;
};

TEST(ServicesExhaustive, EveryHistoryKeepsThePromises) {
  Explorer().run();
}

}  // namespace
}  // namespace hpp::launch
