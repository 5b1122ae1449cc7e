#include "supervisord/core/restart_pace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using Files = std::vector<std::string>;

constexpr milliseconds kNone{};

// Simulates a server that takes kBoot to answer, and changes of its files.
class Story {
 public:
  static constexpr milliseconds kBoot{100};

  explicit Story(milliseconds settle = kNone) : pace_(settle) { start(); }

  void start() { pace_.on_start(now_); }

  void wait(milliseconds time) { now_ += time; }

  // The server answers kBoot after the start. Returns how long Running was held back after that.
  milliseconds answer() {
    now_ += kBoot;
    const milliseconds hold = pace_.on_answer(now_);
    if (hold != kNone) {
      now_ += hold;
      end_hold();
    }
    return hold;
  }

  void end_hold() { pace_.on_hold_over(now_); }

  // The server answers. Returns how long Running must be held back, but does not wait.
  milliseconds answer_held() {
    now_ += kBoot;
    return pace_.on_answer(now_);
  }

  // The start fails. Returns how long the failure must be held back, but does not wait.
  milliseconds fail_held() { return pace_.on_failure(now_); }

  // The start fails. Returns how long the failure was held back after that.
  milliseconds fail() {
    const milliseconds hold = fail_held();
    if (hold != kNone) {
      now_ += hold;
      end_hold();
    }
    return hold;
  }

  // A change ends the start, and the old server is gone 5 ms later.
  Pause change(const Files& files = {"db"}) {
    pace_.on_change(files, now_);
    now_ += milliseconds(5);
    last_ = pace_.begin_pause(now_);
    return last_;
  }

  Pause change_in_pause(const Files& files) {
    pace_.on_change(files, now_);
    return pace_.pause(now_);
  }

  // The pause ends, and no file has changed in it.
  void start_after_pause() {
    now_ += last_.length;
    start();
  }

  void request() { pace_.on_request(); }

  Pause pause() const { return pace_.pause(now_); }

 private:
  RestartPace pace_;
  TimePoint now_{std::chrono::hours(1)};
  Pause last_;
};

// ---- the settling time --------------------------------------------------------------------------

TEST(SettlingTime, DelaysTheStartAfterEachChange) {
  Story story(milliseconds(300));
  story.answer();
  for (int i = 0; i < 3; ++i) {
    story.wait(std::chrono::minutes(1));
    const Pause pause = story.change({"a"});
    EXPECT_EQ(pause, (Pause{.is = Pause::For::Settle, .length = milliseconds(300), .files = {}}));
    story.start_after_pause();
    story.answer();
  }
}

TEST(SettlingTime, BeginsAgainWithEachChangeUntilItsLimit) {
  Story story(milliseconds(300));
  story.answer();
  story.change({"a"});
  milliseconds waited{};
  for (; waited < kSettleMax * milliseconds(300) - milliseconds(300); waited += milliseconds(250)) {
    EXPECT_EQ(story.change_in_pause({"b"}).length, milliseconds(300)) << waited.count();
    story.wait(milliseconds(250));
  }
  story.wait(milliseconds(250));
  EXPECT_LT(story.change_in_pause({"b"}).length, milliseconds(300));
  story.wait(milliseconds(300));
  EXPECT_EQ(story.change_in_pause({"b"}).is, Pause::For::Nothing);
}

TEST(SettlingTime, DoesNotDelayAStartThatTheUserRequests) {
  Story story(milliseconds(300));
  story.answer();
  story.change({"a"});
  story.request();
  EXPECT_EQ(story.pause().is, Pause::For::Nothing);
}

TEST(SettlingTime, GivesWayToALongerPause) {
  Story story(milliseconds(150));
  EXPECT_EQ(story.change({"a"}).is, Pause::For::Settle);
  story.start_after_pause();
  EXPECT_EQ(story.change({"b"}).is, Pause::For::Settle);
  story.start_after_pause();
  EXPECT_EQ(story.change({"c"}),
            (Pause{.is = Pause::For::Quiet, .length = 2 * kQuietMin, .files = {}}));
}

// The server writes `files` 30 ms after each start, before it answers.
Pause loop(Story& story, int times, const Files& files = {"db"}) {
  Pause pause;
  for (int i = 0; i < times; ++i) {
    story.wait(milliseconds(30));
    pause = story.change(files);
    story.start_after_pause();
  }
  return pause;
}

// ---- steady writes ------------------------------------------------------------------------------

TEST(SteadyWrites, DoubleThePauseEachTime) {
  Story story;
  Files file{"0"};
  std::vector<milliseconds> pauses;
  for (int i = 0; i < 8; ++i) {
    story.wait(milliseconds(1 + 20 * (i % 2)));
    file.front() = std::to_string(i);
    const Pause pause = story.change(file);
    EXPECT_EQ(pause.is, i == 0 ? Pause::For::Nothing : Pause::For::Quiet);
    pauses.push_back(pause.length);
    story.start_after_pause();
  }
  EXPECT_THAT(pauses, ElementsAre(kNone, kQuietMin, 2 * kQuietMin, 4 * kQuietMin, 8 * kQuietMin,
                                  16 * kQuietMin, kQuietMax, kQuietMax));
}

TEST(SteadyWrites, DoNotDoubleThePauseForAChangeInThePause) {
  Story story;
  story.change({"a"});
  story.start();
  EXPECT_EQ(story.change({"b"}).length, kQuietMin);
  EXPECT_EQ(story.change_in_pause({"c"}).length, kQuietMin) << "no start was interrupted";
}

TEST(SteadyWrites, DelayTheStartForFiveSecondsAtMost) {
  Story story;
  for (const char* file : {"a", "b", "c", "d", "e", "f", "g"}) {
    story.change({file});
    story.start_after_pause();
  }
  Pause pause = story.change({"h"});
  milliseconds waited{};
  for (; pause.length != kNone; waited += milliseconds(500)) {
    ASSERT_LT(waited, 2 * kQuietTotalMax);
    story.wait(std::min(pause.length, milliseconds(500)));
    pause = story.change_in_pause({"i"});
  }
  EXPECT_EQ(waited, kQuietTotalMax);
}

TEST(SteadyWrites, AreForgottenWhenTheServerHasAnswered) {
  Story story;
  for (const char* file : {"a", "b", "c"}) {
    story.change({file});
    story.start_after_pause();
  }
  story.answer();
  EXPECT_EQ(story.change({"d"}).length, kNone);
}

TEST(SteadyWrites, AreForgottenWhenTheUserRequestsARestart) {
  Story story;
  for (const char* file : {"a", "b", "c"}) {
    story.change({file});
    story.start_after_pause();
  }
  story.request();
  EXPECT_EQ(story.change({"d"}).length, kNone);
}

// ---- a restart loop -----------------------------------------------------------------------------

TEST(RestartLoop, IsProvedByTwoExperiments) {
  Story story;
  EXPECT_EQ(loop(story, kSuspectRestarts - 1).is, Pause::For::Quiet);
  Pause pause = loop(story, 1);
  EXPECT_EQ(pause.is, Pause::For::Experiment);
  EXPECT_EQ(pause.length, kLoopPauses[0]);
  pause = loop(story, 1);
  EXPECT_EQ(pause.is, Pause::For::Experiment);
  EXPECT_EQ(pause.length, kLoopPauses[1]);
  pause = loop(story, 1);
  EXPECT_EQ(pause.is, Pause::For::Loop);
  EXPECT_EQ(pause.length, kLoopPauses[2]);
  EXPECT_EQ(pause.files, Files{"db"});
  EXPECT_EQ(pause.restarts, kSuspectRestarts + kLoopProofs);
  EXPECT_EQ(loop(story, 1).length, kLoopPauses[3]);
  EXPECT_EQ(loop(story, 1).length, kLoopPauses[3]);
}

// The write is reported after the answer. The experiment holds Running back until then.
TEST(RestartLoop, IsProvedByAServerThatWritesAfterItsFirstAnswer) {
  Story story;
  for (int i = 0; i < kSuspectRestarts; ++i) {
    EXPECT_EQ(story.answer(), kNone);
    story.wait(milliseconds(300));
    story.change();
    story.start_after_pause();
  }
  for (int i = 0; i < kLoopProofs; ++i) {
    EXPECT_GT(story.answer_held(), milliseconds(300));
    story.wait(milliseconds(300));
    story.change();
    story.start_after_pause();
  }
  EXPECT_EQ(story.answer_held(), kNone) << "the loop is proved; requests need not wait";
  story.wait(milliseconds(300));
  EXPECT_EQ(story.change().is, Pause::For::Loop);
}

TEST(RestartLoop, IsProvedByAServerThatWritesAndCrashes) {
  Story story;
  Pause pause;
  for (int i = 0; i < kSuspectRestarts + kLoopProofs; ++i) {
    story.wait(milliseconds(20));
    story.fail_held();
    story.wait(milliseconds(30));
    pause = story.change();
    story.start_after_pause();
  }
  EXPECT_EQ(pause.is, Pause::For::Loop);
  story.wait(milliseconds(20));
  EXPECT_EQ(story.fail_held(), kNone) << "the loop is proved; the failure need not wait";
}

// The last start takes longer to fail than those before it. Its writes are known soon after its
// end.
TEST(RestartLoop, IsProvedByAServerThatCrashesLaterThanBefore) {
  Story story;
  Pause pause;
  for (int i = 0; i < kSuspectRestarts + kLoopProofs; ++i) {
    story.wait(milliseconds(pause.is == Pause::For::Experiment ? 130 : 20));
    EXPECT_EQ(story.fail_held(), pause.is == Pause::For::Experiment ? kNoticeMax : kNone);
    story.wait(milliseconds(30));
    pause = story.change();
    story.start_after_pause();
  }
  EXPECT_EQ(pause.is, Pause::For::Loop);
}

TEST(RestartLoop, IsProvedByFilesOfOneFolder) {
  Story story;
  Pause pause;
  for (int i = 0; i < kSuspectRestarts + kLoopProofs; ++i) {
    const std::string number = std::to_string(i);
    pause = loop(story, 1, {"x" + number, ".next/cache/" + number, ".next/cache/a/" + number});
  }
  EXPECT_EQ(pause.is, Pause::For::Loop);
  EXPECT_THAT(pause.files, ElementsAre(".next/cache/a/"));
}

// A loop in which each restart writes another file of a folder: `app/tmp/1`, then `app/tmp/2`.
Pause loop_in_folder(Story& story, int times) {
  static int number = 0;
  Pause pause;
  for (int i = 0; i < times; ++i) pause = loop(story, 1, {"app/tmp/" + std::to_string(++number)});
  return pause;
}

TEST(RestartLoop, DoesNotSuspectFilesOutsideItsFolder) {
  Story story;
  EXPECT_EQ(loop_in_folder(story, kSuspectRestarts + kLoopProofs).is, Pause::For::Loop);
  story.wait(milliseconds(30));
  EXPECT_EQ(story.change({"app/views.py"}).is, Pause::For::Quiet) << "the loop delays no save";
  story.start();
  const Pause pause = loop_in_folder(story, 1);
  EXPECT_EQ(pause.is, Pause::For::Loop);
  EXPECT_THAT(pause.files, ElementsAre("app/tmp/"));
}

TEST(RestartLoop, IsNotForgottenAfterASaveOutsideItsFolder) {
  Story story;
  EXPECT_EQ(loop_in_folder(story, kSuspectRestarts + kLoopProofs).is, Pause::For::Loop);
  story.wait(milliseconds(30));
  story.change({"app/tmp/x"});
  story.wait(milliseconds(400));
  EXPECT_EQ(story.change_in_pause({"app/views.py"}).is, Pause::For::Quiet);
  story.start();
  EXPECT_EQ(loop_in_folder(story, 1).is, Pause::For::Loop);
}

TEST(RestartLoop, DoesNotDelayASaveOfAnotherFile) {
  Story story;
  EXPECT_EQ(loop(story, kSuspectRestarts + kLoopProofs).is, Pause::For::Loop);
  story.wait(milliseconds(30));
  story.change();
  story.wait(milliseconds(400));
  EXPECT_EQ(story.change_in_pause({"app.py"}).is, Pause::For::Quiet);
  story.start();
  EXPECT_EQ(loop(story, 1).is, Pause::For::Loop) << "the loop is still known";
}

TEST(RestartLoop, SuspicionIsNotDroppedForALateReport) {
  Story story;
  EXPECT_EQ(loop(story, kSuspectRestarts - 1).is, Pause::For::Quiet);
  story.wait(milliseconds(30));
  EXPECT_EQ(story.change().is, Pause::For::Experiment);
  story.wait(kNoticeMax);
  EXPECT_EQ(story.change_in_pause({"db"}).is, Pause::For::Experiment);
}

TEST(RestartLoop, EndsIfAStartIsNotInterrupted) {
  Story story;
  EXPECT_EQ(loop(story, kSuspectRestarts + kLoopProofs).is, Pause::For::Loop);
  story.answer();
  story.wait(kAfterAnswer + milliseconds(1));
  EXPECT_EQ(story.change().is, Pause::For::Nothing);
}

TEST(RestartLoop, IsNotSuspectedIfNoFileIsNamed) {
  Story story;
  for (int i = 0; i < 20; ++i) {
    story.wait(milliseconds(30));
    EXPECT_THAT(story.change({}).is, testing::AnyOf(Pause::For::Nothing, Pause::For::Quiet));
    story.start_after_pause();
  }
}

// ---- what is no loop ----------------------------------------------------------------------------

// A person saves every `rhythm`, regardless of the server. Returns all kinds of pauses that follow.
std::set<Pause::For> save_steadily(milliseconds rhythm, int times) {
  Story story;
  std::set<Pause::For> met;
  milliseconds left = rhythm;  // until the next save
  const auto pass = [&](milliseconds time) {
    story.wait(std::min(time, left));
    left -= std::min(time, left);
    return left != kNone;
  };
  for (int i = 0; i < times; ++i) {
    if (left > Story::kBoot) {
      left -= Story::kBoot;
      const milliseconds hold = story.answer_held();
      if (hold != kNone && pass(hold)) story.end_hold();
      pass(left);
    } else {
      pass(left);
    }
    left = rhythm;
    Pause pause = story.change({"app.py"});
    met.insert(pause.is);
    while (pause.length != kNone && !pass(pause.length)) {
      left = rhythm;
      pause = story.change_in_pause({"app.py"});
      met.insert(pause.is);
    }
    story.start();
  }
  return met;
}

TEST(Person, SavingInARegularRhythmIsNoLoop) {
  for (const int rhythm : {300, 600, 1'000, 1'500, 2'000}) {
    const auto met = save_steadily(milliseconds(rhythm), 200);
    EXPECT_FALSE(met.contains(Pause::For::Loop)) << "every " << rhythm << " ms";
    EXPECT_FALSE(met.contains(Pause::For::Advice)) << "every " << rhythm << " ms";
  }
}

// The person saves only after the page has appeared: never before it, and never in a pause.
TEST(Person, SavingAfterEachPageIsNoLoop) {
  Story story;
  int delayed = 0;
  for (int i = 0; i < 100; ++i) {
    const milliseconds look{300 + i * 7919 % 1500};
    if (story.answer() != kNone) ++delayed;
    story.wait(look);
    const Pause pause = story.change({"app.py"});
    EXPECT_NE(pause.is, Pause::For::Loop);
    EXPECT_NE(pause.is, Pause::For::Advice) << "a person's rhythm is not regular enough";
    if (pause.is == Pause::For::Experiment) ++delayed;
    story.start_after_pause();
  }
  EXPECT_LT(delayed, 5);
}

TEST(Person, SavingRarelyIsNeverDelayed) {
  Story story;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(story.answer(), kNone);
    story.wait(kAfterAnswer + milliseconds(1));
    EXPECT_EQ(story.change({"app.py"}).is, Pause::For::Nothing);
    story.start();
  }
}

// The server may write when a browser reloads the page. No experiment can distinguish that from a
// script that waits for the page.
TEST(Person, WritesAfterEachAnswerLeadToAdvice) {
  Story story;
  std::vector<Pause::For> pauses;
  for (int i = 0; i < 2 * kSuspectRestarts; ++i) {
    story.answer();
    story.wait(milliseconds(40));
    pauses.push_back(story.change().is);
    story.start_after_pause();
  }
  EXPECT_EQ(pauses[kSuspectRestarts - 1], Pause::For::Experiment);
  EXPECT_EQ(pauses.back(), Pause::For::Advice);
  EXPECT_EQ(std::count(pauses.begin(), pauses.end(), Pause::For::Nothing),
            2 * kSuspectRestarts - 2);
}

// Saves the same file right after each of many starts is known to have answered or failed.
// `fails(i)`: whether start `i` fails. Returns the number of starts that are delayed.
int save_after_each_outcome(bool (*fails)(int)) {
  Story story;
  int delayed = 0;
  for (int i = 0; i < 100; ++i) {
    if (fails(i)) {
      story.wait(milliseconds(40));
      story.fail();
    } else {
      story.answer();
    }
    story.wait(milliseconds(8));
    const Pause pause = story.change({"views.py"});
    EXPECT_NE(pause.is, Pause::For::Loop) << i;
    if (fails(i)) {
      EXPECT_NE(pause.is, Pause::For::Advice) << i;
    }
    if (pause.length != kNone) ++delayed;
    story.start_after_pause();
  }
  return delayed;
}

TEST(Agent, SavingAfterEachFailureIsNoLoop) {
  EXPECT_LE(save_after_each_outcome([](int) { return true; }), 4);
}

TEST(Agent, SavingAfterFailuresAndAnswersIsNoLoop) {
  EXPECT_LE(save_after_each_outcome([](int i) { return i % 2 == 0; }), 5);
  EXPECT_LE(save_after_each_outcome([](int i) { return i % 7 > 3; }), 5);
}

TEST(Agent, AFailureIsHeldBackOnlyInAnExperiment) {
  Story story;
  for (int i = 1; i <= 2 * kSuspectRestarts; ++i) {
    EXPECT_EQ(story.fail_held() != kNone, i == kSuspectRestarts + 1) << i;
    if (i == kSuspectRestarts + 1) {
      story.wait(kNoticeMax);
      story.end_hold();
    }
    story.wait(milliseconds(8));
    story.change();
    story.start_after_pause();
  }
}

}  // namespace
}  // namespace hpp::supervisord
