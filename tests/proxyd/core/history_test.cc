#include "proxyd/core/history.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

using bus::BackendPhase;

TEST(History, KeepsTheStepsOfEachStart) {
  History history;
  history.on({.state = BackendPhase::Loading});
  EXPECT_TRUE(history.starts().empty()) << "nothing was spawned";
  history.on({.state = BackendPhase::Loading, .generation = 1, .spawned_at_ms = 100});
  EXPECT_TRUE(history.awaits_answer(1));
  history.on(
      {.state = BackendPhase::Running, .generation = 1, .spawned_at_ms = 100, .ready_at_ms = 300});
  history.answered(1, 305);
  EXPECT_FALSE(history.awaits_answer(1));
  history.answered(1, 999);
  const bus::Cause cause{.text = "a.py changed", .changed = {"a.py"}, .at_ms = 500};
  history.on({.state = BackendPhase::Killing, .generation = 1, .cause = cause});
  EXPECT_EQ(history.starts().front(), (Start{.generation = 1,
                                             .cause = {},
                                             .spawned_at_ms = 100,
                                             .ready_at_ms = 300,
                                             .first_byte_at_ms = 305,
                                             .problem = {}}));
  history.on({.state = BackendPhase::Error,
              .generation = 2,
              .spawned_at_ms = 520,
              .exit = bus::BackendExit{.code = 3},
              .cause = cause,
              .start = {.is_warm = true, .cold_because = {}, .cold_ms = 480},
              .killed_at_ms = 510,
              .ended_at_ms = 530});
  ASSERT_EQ(history.starts().size(), 2U);
  EXPECT_EQ(history.starts().front(),
            (Start{.generation = 2,
                   .cause = cause,
                   .killed_at_ms = 510,
                   .spawned_at_ms = 520,
                   .ended_at_ms = 530,
                   .exit = bus::BackendExit{.code = 3},
                   .problem = {},
                   .how = {.is_warm = true, .cold_because = {}, .cold_ms = 480}}));
  EXPECT_FALSE(history.awaits_answer(1)) << "the answer is from the previous generation";
}

TEST(History, ForgetsTheOldest) {
  History history;
  for (std::uint64_t generation = 1; generation <= kStartsKept + 5; ++generation) {
    history.on({.state = BackendPhase::Running, .generation = generation});
  }
  EXPECT_EQ(history.starts().size(), kStartsKept);
  EXPECT_EQ(history.starts().front().generation, kStartsKept + 5);
  EXPECT_EQ(history.starts().back().generation, 6U);
}

TEST(History, ASmallerGenerationBeginsANewHistory) {
  History history;
  history.on({.state = BackendPhase::Running, .generation = 7});
  history.on({.state = BackendPhase::Running, .generation = 1});
  ASSERT_EQ(history.starts().size(), 1U);
  EXPECT_EQ(history.starts().front().generation, 1U);
}

}  // namespace
}  // namespace hpp::proxyd
