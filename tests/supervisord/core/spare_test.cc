#include "supervisord/core/spare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hpp::supervisord {
namespace {

using spare::Of;
using Environment = std::vector<std::pair<std::string, std::string>>;
using State = Spare::State;

constexpr std::uint64_t kPlenty = 4 * kMemoryMin;

// A spare's core with shortcuts for the usual events. Keeps the effects of the last one.
class Life {
 public:
  explicit Life(Spare::Settings settings = {.is_wanted = true, .language = "Python"})
      : core_(std::move(settings)) {}

  Life& operator()(const spare::Event& event) {
    effects_ = core_.on(event);
    return *this;
  }

  Life& backend(Backend::State state, int cold_ms = 480) {
    return (*this)(spare::BackendSeen{
        .state = state, .generation = generation_, .cold = std::chrono::milliseconds(cold_ms)});
  }

  Life& start(const std::string& changed = "") {
    return (*this)(spare::StartDue{.generation = ++generation_, .changed = changed});
  }

  Life& line(Of of, const std::string& text) { return (*this)(spare::Line{of, text}); }

  Life& change(std::vector<std::string> paths, bool is_all = true) {
    ++revision_;
    return repeat(std::move(paths), is_all);
  }

  // The report of a change comes again.
  Life& repeat(std::vector<std::string> paths, bool is_all = true) {
    return (*this)(spare::FilesChanged{
        .point = {.epoch = 1, .revision = revision_}, .paths = std::move(paths), .is_all = is_all});
  }

  Life& timer(std::uint64_t memory = kPlenty) { return (*this)(spare::TimerExpired{memory}); }

  // A cold start that has said hello and answers.
  Life& cold_start() {
    (*this)(spare::Begun{});
    start();
    backend(Backend::State::Loading);
    line(Of::Server, "hello 1 python");
    return backend(Backend::State::Running);
  }

  Life& ready() {
    timer();
    line(Of::Spare, "hello 1 python");
    line(Of::Spare, "ready 10 20");
    return (*this)(spare::Inspected{});
  }

  // A backend whose spare's gate was opened.
  Life& opened() {
    cold_start().ready();
    backend(Backend::State::Killing);
    start();
    return backend(Backend::State::Loading);
  }

  template <class E>
  std::vector<E> all() const {
    std::vector<E> found;
    for (const spare::Effect& effect : effects_) {
      if (const auto* one = std::get_if<E>(&effect)) found.push_back(*one);
    }
    return found;
  }

  template <class E>
  bool has() const {
    return !all<E>().empty();
  }

  // The reason of a cold start; `warm` for a warm one.
  std::string because() const {
    if (has<spare::Promote>()) return "warm";
    return has<spare::StartCold>() ? all<spare::StartCold>().front().because : "no start";
  }

  std::string said() const { return has<Say>() ? all<Say>().front().text : ""; }

  State state() const { return core_.state(); }

  std::uint64_t generation() const { return generation_; }

 private:
  Spare core_;
  spare::Effects effects_;
  std::uint64_t generation_ = 0;
  std::uint64_t revision_ = 0;
};

TEST(Spare, IsStartedWhenTheBackendHasBeenQuiet) {
  Life life;
  life.cold_start();
  EXPECT_EQ(life.all<StartTimer>(), std::vector{StartTimer{kSpareQuiet}});
  life.timer();
  EXPECT_TRUE(life.has<spare::StartSpare>());
  EXPECT_EQ(life.state(), State::Starting);
}

TEST(Spare, ComparesItsFilesWhileTheOldProcessesAreKilled) {
  Life life;
  life.cold_start().ready();
  life.backend(Backend::State::Killing);
  EXPECT_TRUE(life.has<spare::Compare>());
  life.backend(Backend::State::Killing);
  EXPECT_FALSE(life.has<spare::Compare>()) << "a repeated snapshot";
  life(spare::BackendSeen{.state = Backend::State::Killing,
                          .generation = life.generation(),
                          .seen = {.epoch = 1, .revision = 2},
                          .cold = {}});
  EXPECT_TRUE(life.has<spare::Compare>()) << "another change";
  life.start();
  EXPECT_EQ(life.because(), "warm");
  EXPECT_FALSE(life.has<spare::Compare>());
}

TEST(Spare, ComparesItsFilesAfterABuild) {
  Life life;
  life.cold_start().ready();
  life.backend(Backend::State::Killing).backend(Backend::State::Building).start();
  EXPECT_EQ(life.because(), "warm");
  EXPECT_TRUE(life.has<spare::Compare>());
}

TEST(Spare, RepeatedSnapshotsDoNotDelayIt) {
  Life life;
  life.cold_start().backend(Backend::State::Running);
  EXPECT_FALSE(life.has<StartTimer>());
}

TEST(Spare, BecomesTheBackend) {
  Life life;
  life.cold_start().ready();
  EXPECT_EQ(life.state(), State::Ready);
  life.backend(Backend::State::Killing).start();
  EXPECT_EQ(life.because(), "warm");
  EXPECT_EQ(life.state(), State::Opened);
  life.backend(Backend::State::Loading).line(Of::Server, "go");
  EXPECT_EQ(life.state(), State::None);
  life.backend(Backend::State::Running).timer();
  EXPECT_TRUE(life.has<spare::StartSpare>()) << "the next one";
}

TEST(Spare, GetsTheVariablesThatTheAdapterAskedFor) {
  Life life;
  life(spare::Begun{}).start().line(Of::Server, "hello 1 node");
  EXPECT_EQ(life.all<spare::Remember>(),
            std::vector({spare::Remember{.line = "hello 1 node", .is_hello = true}}));
  life.line(Of::Server, "env A=b c");
  EXPECT_EQ(life.all<spare::Remember>(), std::vector({spare::Remember{.line = "env A=b c"}}));
  life.backend(Backend::State::Running).timer();
  const auto started = life.all<spare::StartSpare>();
  ASSERT_EQ(started.size(), 1U);
  EXPECT_EQ(started.front().environment, Environment({{"A", "b c"}}));
}

TEST(Spare, IsStartedFromWhatACrashedSupervisordHasKept) {
  Life life;
  life(spare::Begun{.lines = {"hello 1 node", "env A=b"}}).backend(Backend::State::Running).timer();
  ASSERT_TRUE(life.has<spare::StartSpare>());
  EXPECT_EQ(life.all<spare::StartSpare>().front().environment, Environment({{"A", "b"}}));
}

TEST(Spare, NeedsAHelloOfTheLastColdStart) {
  Life life;
  life(spare::Begun{}).start().backend(Backend::State::Running).timer();
  EXPECT_FALSE(life.has<spare::StartSpare>());
  EXPECT_THAT(life.said(), testing::HasSubstr("--warm has no effect"));
  life.backend(Backend::State::Killing).start();
  EXPECT_EQ(life.because(), "the command has not used its gate");
  life.backend(Backend::State::Running).timer();
  EXPECT_FALSE(life.has<Say>()) << "once is enough";
  life.line(Of::Server, "hello 1 python").timer();
  EXPECT_TRUE(life.has<spare::StartSpare>()) << "late, but it is there";
}

TEST(Spare, ColdStartsSayWhy) {
  Life life;
  life(spare::Begun{}).start();
  EXPECT_EQ(life.because(), "it is the first start");
  life.line(Of::Server, "hello 1 python").backend(Backend::State::Running);
  life.backend(Backend::State::Killing).start();
  EXPECT_EQ(life.because(), "hpp had no time to prepare a spare");
  life.line(Of::Server, "hello 1 python").backend(Backend::State::Running).timer();
  life.backend(Backend::State::Killing).start();
  EXPECT_EQ(life.because(), "the spare was not ready yet");
  EXPECT_TRUE(life.has<spare::Discard>());
  life.line(Of::Server, "hello 1 python").backend(Backend::State::Running).ready();
  life.backend(Backend::State::Killing).start(".env");
  EXPECT_EQ(life.because(), ".env has changed since the spare was started");
  EXPECT_TRUE(life.has<spare::Discard>());
  life.line(Of::Server, "hello 1 python").backend(Backend::State::Running).ready();
  life(RestartRequested{}).start();
  EXPECT_EQ(life.because(), "you have requested the restart");
  EXPECT_TRUE(life.has<spare::Discard>());
}

TEST(Spare, AFileThatAWrapperMayHaveReadMakesTheStartCold) {
  Life life;
  life.change({"conf/old.env"}).cold_start().ready().change({"src/a.py", "templates/b.html"});
  EXPECT_EQ(life.backend(Backend::State::Killing).start().because(), "warm");
  life.backend(Backend::State::Running).ready();
  life.change({"src/a.py", "conf/dev.env"}).change({"src/b.py"});
  EXPECT_EQ(life.backend(Backend::State::Killing).start().because(),
            "conf/dev.env has changed since the spare was started");
  life.line(Of::Server, "hello 1 python").backend(Backend::State::Running).ready();
  life.repeat({"conf/dev.env"});
  EXPECT_EQ(life.backend(Backend::State::Killing).start().because(), "warm") << "no news";
}

TEST(Spare, AnUnknownChangeMakesTheStartCold) {
  constexpr const char* kUnknown =
      "hpp does not know all files that have changed since the spare was started";
  Life many;
  many.change({}).cold_start().ready().change({"a.py"}, /*is_all=*/false);
  EXPECT_EQ(many.backend(Backend::State::Killing).start().because(), kUnknown);
  Life lost;
  lost.change({}).cold_start().ready();
  lost(
      spare::FilesChanged{.point = {.epoch = 1, .revision = 9}, .paths = {"a.py"}, .is_all = true});
  EXPECT_EQ(lost.backend(Backend::State::Killing).start().because(), kUnknown);
}

TEST(Spare, IsStartedWhileTheBackendIsInError) {
  Life life;
  life.opened().line(Of::Server, "go").backend(Backend::State::Error).ready();
  EXPECT_EQ(life.state(), State::Ready);
  EXPECT_EQ(life.start().because(), "warm");
}

TEST(Spare, AfterTwoCrashesOfWarmStartsInARowAStartIsCold) {
  Life life;
  const auto crash = [&life] {
    life.backend(Backend::State::Loading).line(Of::Server, "go").backend(Backend::State::Error);
    life.ready();
  };
  life.opened();
  crash();
  EXPECT_EQ(life.start().because(), "warm");
  life.backend(Backend::State::Running).backend(Backend::State::Error).ready();
  EXPECT_EQ(life.start().because(), "warm") << "it has answered in between";
  crash();
  EXPECT_EQ(life.state(), State::None);
  EXPECT_EQ(life.start().because(), "the last warm starts have crashed");
  life.backend(Backend::State::Loading).line(Of::Server, "hello 1 python");
  life.backend(Backend::State::Error).ready();
  EXPECT_EQ(life.start().because(), "warm") << "the program itself crashes";
}

TEST(Spare, IsThrownAwayWhenMemoryIsLow) {
  Life life;
  life.cold_start().timer(kMemoryMin - 1);
  EXPECT_FALSE(life.has<spare::StartSpare>());
  EXPECT_EQ(life.all<StartTimer>(), std::vector{StartTimer{kMemoryEvery}});
  life.ready().timer(kMemoryMin);
  EXPECT_EQ(life.state(), State::Ready);
  life.timer(kMemoryMin - 1);
  EXPECT_TRUE(life.has<spare::Discard>());
  EXPECT_EQ(life.state(), State::None);
  life.backend(Backend::State::Killing).start();
  EXPECT_EQ(life.because(), "little memory was available");
}

TEST(Spare, IsStartedIfTheAvailableMemoryIsNotKnown) {
  Life life;
  life.cold_start()(spare::TimerExpired{});
  EXPECT_TRUE(life.has<spare::StartSpare>());
}

TEST(Spare, FailsInManyWays) {
  const std::vector<std::pair<spare::Event, std::string>> failures{
      {spare::Ended{Of::Spare, "exit code 1"}, "the spare has ended with exit code 1"},
      {spare::Closed{Of::Spare}, "the spare has closed its gate"},
      {spare::Line{Of::Spare, "go"},
       "the spare has sent \"go\" at its gate, which hpp did not expect"},
      {spare::Line{Of::Spare, "ready 1 2"},
       "the spare has sent \"ready 1 2\" at its gate, which hpp did not expect"},
  };
  for (const auto& [event, why] : failures) {
    Life life;
    life.cold_start().ready()(event);
    EXPECT_TRUE(life.has<spare::Discard>()) << why;
    EXPECT_EQ(life.all<StartTimer>(), std::vector{StartTimer{kAfterFailure}});
    life.backend(Backend::State::Killing).start();
    EXPECT_EQ(life.because(), why);
  }
}

TEST(Spare, FailsIfItIsNotReadyInTime) {
  Life life;
  life.cold_start().timer().timer();
  EXPECT_TRUE(life.has<spare::Discard>());
  life.start();
  EXPECT_EQ(life.because(), "the spare was not ready within 30.0 s");
}

TEST(Spare, FailsIfItDoesNotPassTheInspection) {
  Life life;
  life.cold_start().timer().line(Of::Spare, "hello 1 python").line(Of::Spare, "ready 1 2");
  EXPECT_TRUE(life.has<spare::Inspect>());
  life(spare::Inspected{"listens on port 8001"});
  EXPECT_TRUE(life.has<spare::Discard>());
  life.start();
  EXPECT_EQ(life.because(), "the spare listens on port 8001");
}

TEST(Spare, IsOffAfterThreeFailuresInARow) {
  Life life;
  life.cold_start();
  for (int failure = 1; failure <= kFailuresMax; ++failure) {
    EXPECT_EQ(life.state(), State::None);
    life.timer()(spare::StartFailed{"no memory"});
  }
  EXPECT_EQ(life.state(), State::Off);
  EXPECT_THAT(life.said(), testing::HasSubstr("3 spares in a row have failed"));
  life.start();
  EXPECT_EQ(life.because(), "--warm is off");
  EXPECT_FALSE(life.all<spare::StartCold>().front().records);
}

TEST(Spare, FailuresCountOnlyInARow) {
  Life life;
  life.cold_start();
  for (int round = 0; round < 3; ++round) {
    for (int failure = 1; failure < kFailuresMax; ++failure) {
      life.timer()(spare::Ended{Of::Spare, "exit code 1"});
    }
    life.ready().start().line(Of::Server, "go").backend(Backend::State::Loading);
    life.backend(Backend::State::Running);
    EXPECT_EQ(life.state(), State::None);
  }
}

TEST(Spare, AnOpenedOneThatDoesNotGoOnIsReplacedByAColdStart) {
  const std::vector<std::pair<spare::Event, std::string>> ends{
      {spare::Ended{Of::Server, "exit code 1"},
       "the spare has ended with exit code 1 when its gate was opened"},
      {spare::Closed{Of::Server}, "the spare has closed its gate when it was opened"},
      {spare::TimerExpired{}, "the spare has not gone on within 2000 ms after its gate was opened"},
      {spare::Line{Of::Server, "hello 1 python"},
       "the spare has answered \"hello 1 python\" when its gate was opened"},
      {spare::Line{Of::Server, "cold /lib/a.py"},
       "/lib/a.py has changed since the spare loaded it"},
  };
  for (const auto& [event, why] : ends) {
    Life life;
    life.opened()(event);
    EXPECT_EQ(life.all<SpareFailed>(),
              std::vector({SpareFailed{.generation = life.generation(), .why = why}}));
    life(spare::Ended{Of::Server, "exit code 0"});
    EXPECT_FALSE(life.has<SpareFailed>()) << "its end is no second failure";
    life.backend(Backend::State::Killing).start();
    EXPECT_EQ(life.because(), why);
  }
}

constexpr const char* kSetsColour = "your server has set COLOUR after the spare had read it";

TEST(Spare, AVariableThatIsSetTooLateLeadsToAColdStart) {
  Life life;
  life.opened().line(Of::Server, "go").line(Of::Server, "variable COLOUR");
  EXPECT_EQ(life.all<SpareFailed>(),
            std::vector({SpareFailed{.generation = life.generation(), .why = kSetsColour}}));
  life.line(Of::Server, "variable TASTE");
  EXPECT_FALSE(life.has<SpareFailed>()) << "one restart is enough";
  life.backend(Backend::State::Killing).line(Of::Server, "variable TASTE").start();
  EXPECT_EQ(life.because(), kSetsColour);
  life.backend(Backend::State::Loading).line(Of::Server, "variable TASTE");
  EXPECT_FALSE(life.has<SpareFailed>()) << "a cold start";
}

TEST(Spare, AVariableBeforeGoIsAFailure) {
  Life life;
  life.opened().line(Of::Server, "variable COLOUR").backend(Backend::State::Killing).start();
  EXPECT_EQ(life.because(), "the spare has answered \"variable COLOUR\" when its gate was opened");
}

TEST(Spare, AVariableThatIsSetByARunningServerHasToWait) {
  Life life;
  life.opened().line(Of::Server, "go").backend(Backend::State::Running);
  life.line(Of::Server, "variable COLOUR");
  EXPECT_FALSE(life.has<SpareFailed>());
}

// A start whose spare has read the variable too early, and the next spare.
void set_too_late(Life& life, const std::string& name) {
  life.line(Of::Server, "go").line(Of::Server, "variable " + name);
  EXPECT_TRUE(life.has<SpareFailed>());
  life.backend(Backend::State::Killing).start();
  if (life.state() == State::Off) return;
  life.line(Of::Server, "hello 1 python").backend(Backend::State::Running).ready();
  life.backend(Backend::State::Killing).start().backend(Backend::State::Loading);
}

TEST(Spare, OtherVariablesEachTimeAreNoFailure) {
  Life life;
  life.opened();
  for (const char* name : {"A", "B", "C", "D", "E"}) set_too_late(life, name);
  EXPECT_EQ(life.state(), State::Opened);
}

TEST(Spare, IsOffIfTheSameVariableIsSetTooLateAgain) {
  Life life;
  life.opened();
  set_too_late(life, "A");
  for (int failure = 1; failure < kFailuresMax; ++failure) {
    set_too_late(life, "A");
    EXPECT_EQ(life.state(), State::Opened);
  }
  life.line(Of::Server, "go").line(Of::Server, "variable A");
  EXPECT_EQ(life.said(),
            "--warm is off until hpp is started again, because 3 spares in a row have "
            "failed: the last one has read A too early again");
  EXPECT_TRUE(life.has<SpareFailed>());
  EXPECT_EQ(life.state(), State::Off);
}

TEST(Spare, AVariableBeyondTheLimitIsAFailure) {
  Life life;
  life.opened();
  for (std::size_t i = 0; i < kVariablesMax; ++i) set_too_late(life, "V" + std::to_string(i));
  for (int failure = 0; failure < kFailuresMax; ++failure) set_too_late(life, "W");
  EXPECT_EQ(life.state(), State::Off);
}

TEST(Spare, AChangedPackageIsNoFailure) {
  Life life;
  life.opened();
  for (int change = 0; change < 2 * kFailuresMax; ++change) {
    life.line(Of::Server, "cold /lib/a.py").backend(Backend::State::Killing).start();
    life.line(Of::Server, "hello 1 python").backend(Backend::State::Running).ready();
    life.backend(Backend::State::Killing).start().backend(Backend::State::Loading);
    EXPECT_EQ(life.state(), State::Opened);
  }
}

TEST(Spare, AnOpenedOneThatIsKilledHasNotFailed) {
  Life life;
  life.opened().backend(Backend::State::Killing)(spare::Ended{Of::Server, "signal 9"});
  EXPECT_FALSE(life.has<SpareFailed>());
  life.start();
  EXPECT_EQ(life.because(), "hpp had no time to prepare a spare");
}

TEST(Spare, IsOffIfTheCommandRefuses) {
  for (const Of of : {Of::Server, Of::Spare}) {
    Life life;
    life.cold_start();
    if (of == Of::Spare) life.timer().line(of, "hello 1 python");
    life.line(of, "refuse make assets runs first");
    EXPECT_EQ(life.said(),
              "--warm is off until hpp is started again, because make assets runs first");
    EXPECT_EQ(life.has<spare::Discard>(), of == Of::Spare);
    EXPECT_EQ(life.state(), State::Off);
  }
}

TEST(Spare, IsOffIfTheCommandStartsSeveralPrograms) {
  Life life;
  life.cold_start().ready().line(Of::Spare, "hello 1 python");
  EXPECT_TRUE(life.has<spare::Discard>());
  EXPECT_EQ(life.state(), State::Off);
}

TEST(Spare, IsThrownAwayWhenHppEnds) {
  Life life;
  life.cold_start().ready().backend(Backend::State::Stopping);
  EXPECT_TRUE(life.has<spare::Discard>());
  EXPECT_EQ(life.state(), State::Off);
}

TEST(Spare, HasNoEffectWithInteractive) {
  Life life({.is_wanted = true, .is_interactive = true, .language = {}});
  life(spare::Begun{});
  EXPECT_THAT(life.said(), testing::StartsWith("--warm has no effect with --interactive"));
  life.start();
  EXPECT_EQ(life.because(), "--warm has no effect with --interactive");
  life.backend(Backend::State::Running).timer();
  EXPECT_FALSE(life.has<spare::StartSpare>());
}

TEST(Spare, IsSuggestedOnceWhereItHelps) {
  Life life({.language = "Python"});
  life(spare::Begun{}).start();
  EXPECT_EQ(life.because(), "");
  life.backend(Backend::State::Running).timer();
  EXPECT_EQ(life.said(),
            "Your server takes 480 ms to start. With --warm, hpp loads its Python packages before "
            "the next change, so that only your own code has to be loaded");
  life.backend(Backend::State::Killing).backend(Backend::State::Running).timer();
  EXPECT_FALSE(life.has<Say>());
  Life quick({.language = "Python"});
  quick(spare::Begun{}).start().backend(Backend::State::Running, 300).timer();
  EXPECT_FALSE(quick.has<Say>());
  Life other(Spare::Settings{});
  other(spare::Begun{}).start().backend(Backend::State::Running).timer();
  EXPECT_FALSE(other.has<Say>());
}

}  // namespace
}  // namespace hpp::supervisord
