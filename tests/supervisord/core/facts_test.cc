#include "supervisord/core/facts.h"

#include <gtest/gtest.h>

#include "supervisord/core/wording.h"

namespace hpp::supervisord {
namespace {

const Now kNow{.steady = {}, .wall_ms = 1'000};

ProcessExited crash() {
  return {.generation = 1,
          .status = {.by_signal = true, .number = 11, .is_known = true},
          .output_tail = "Segmentation fault",
          .problem = "out of memory"};
}

bus::BackendState crashed() {
  bus::BackendState facts;
  facts.command = {"./server"};
  facts.generation = 1;
  facts.pid = 7;
  facts.address = "127.0.0.1:8001";
  facts.stranger = "pid 9 (node x.js)";
  facts.seen = {.epoch = 3, .revision = 4};
  facts.restarts_asked = 2;
  facts.answers = {.epoch = 5, .number = 6};
  facts.delay = "the files change";
  note_exit(facts, crash());
  note_failure(facts, kNow);
  return facts;
}

TEST(Facts, CrashSetsTheExitAndItsTime) {
  const bus::BackendState facts = crashed();
  EXPECT_EQ(facts.state, bus::BackendPhase::Error);
  EXPECT_EQ(facts.exit->signal, 11);
  EXPECT_FALSE(facts.exit->code.has_value());
  EXPECT_EQ(facts.output_tail, "Segmentation fault");
  EXPECT_EQ(facts.problem, exit_problem(crash(), "./server"));
  EXPECT_EQ(facts.ended_at_ms, 1'000);
  EXPECT_EQ(facts.pid, 0);
  EXPECT_EQ(facts.delay, "");
  EXPECT_EQ(facts.restarts_done, 2U) << "the requested restarts have an outcome";
}

TEST(Facts, UnknownExitHasNoNumber) {
  bus::BackendState facts = crashed();
  ProcessExited event = crash();
  event.status.is_known = false;
  note_exit(facts, event);
  EXPECT_EQ(facts.exit, bus::BackendExit{});
}

TEST(Facts, NewGenerationClearsTheFieldsOfTheLastOne) {
  bus::BackendState facts = crashed();
  begin_generation(facts);
  bus::BackendState expected;
  expected.command = {"./server"};
  expected.generation = 2;
  expected.seen = expected.serves = {.epoch = 3, .revision = 4};
  expected.restarts_asked = expected.restarts_done = 2;
  expected.answers = {.epoch = 5, .number = 6};
  EXPECT_EQ(facts, expected);
}

TEST(Facts, AnswerSetsTheAddress) {
  bus::BackendState facts = crashed();
  begin_generation(facts);
  note_spawn(facts, {.pid = 8, .cold_because = {}}, kNow);
  EXPECT_EQ(facts.state, bus::BackendPhase::Loading);
  EXPECT_EQ(facts.pid, 8);
  EXPECT_EQ(facts.spawned_at_ms, 1'000);
  const Answered answer{.generation = 2, .address = "[::1]:8001", .stranger = "pid 9 (node x.js)"};
  note_answer(facts, answer, {.steady = {}, .wall_ms = 1'400});
  EXPECT_EQ(facts.state, bus::BackendPhase::Running);
  EXPECT_EQ(facts.ready_at_ms, 1'400);
  EXPECT_EQ(facts.address, "[::1]:8001");
  EXPECT_EQ(facts.stranger, "pid 9 (node x.js)");
}

TEST(Facts, AnExitHasAReason) {
  bus::BackendState facts;
  facts.command = {"./server"};
  const auto failure = [&](ExitStatus status) {
    note_exit(facts, {.status = status, .output_tail = "", .error = bus::BackendError{}});
    return facts.failure;
  };
  EXPECT_EQ(failure({.number = 1}), bus::Failure::Crashed);
  EXPECT_EQ(failure({.number = 0}), bus::Failure::Ended);
  EXPECT_EQ(failure({.number = 127}), bus::Failure::CommandNotFound);
  EXPECT_EQ(failure({.by_signal = true, .number = 11}), bus::Failure::Crashed);
  EXPECT_EQ(failure({.is_known = false}), bus::Failure::Crashed);
  EXPECT_TRUE(facts.error);
  forget_end(facts);
  EXPECT_EQ(facts.failure, bus::Failure::None);
  EXPECT_FALSE(facts.error);
}

TEST(Facts, KillClearsTheExit) {
  bus::BackendState facts = crashed();
  note_kill(facts);
  EXPECT_EQ(facts.state, bus::BackendPhase::Killing);
  EXPECT_FALSE(facts.exit.has_value());
  EXPECT_EQ(facts.problem + facts.output_tail, "");
  EXPECT_EQ(facts.ended_at_ms, 0);
}

TEST(Facts, FailedRebuildServesTheNewestTree) {
  bus::BackendState facts;
  facts.seen = {.epoch = 3, .revision = 4};
  facts.restarts_asked = 1;
  note_failed_rebuild(
      facts, {.problem = {}, .output_tail = "error: …", .error = bus::BackendError{.message = "…"}},
      "make failed: exit code 2");
  EXPECT_EQ(facts.failure, bus::Failure::BuildFailed);
  EXPECT_EQ(facts.error->message, "…");
  EXPECT_EQ(facts.serves, facts.seen);
  EXPECT_EQ(facts.restarts_done, 1U);
  EXPECT_EQ(facts.problem, "make failed: exit code 2");
  EXPECT_EQ(facts.output_tail, "error: …");
}

TEST(Facts, TakingOverClearsLivenessChecksAndRequests) {
  bus::BackendState last = crashed();
  const bus::BackendState facts = taken_over(last);
  last.answers = {};
  last.restarts_asked = last.restarts_done = 0;
  EXPECT_EQ(facts, last);
}

}  // namespace
}  // namespace hpp::supervisord
