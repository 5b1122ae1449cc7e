#include "proxyd/core/gate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <array>

namespace hpp::proxyd {

void PrintTo(Decision decision, std::ostream* out) {
  *out << to_string(decision);
}

namespace {

using bus::BackendPhase;
using bus::BackendState;
using bus::TreeState;

constexpr std::uint64_t kEpoch = 7;

TreeState tree(std::uint64_t revision, bool watching = true, std::uint64_t epoch = kEpoch) {
  return {.stamp = {.epoch = epoch, .sequence = 1}, .revision = revision, .watching = watching};
}

BackendState backend(BackendPhase state, std::uint64_t generation, std::uint64_t revision = 0) {
  const bus::TreePoint point{.epoch = kEpoch, .revision = revision};
  return {.state = state, .generation = generation, .serves = point, .seen = point};
}

// A gate with its barrier, as in the switchboard.
struct GateAndBarrier : Gate {
  GateAndBarrier() = default;

  explicit GateAndBarrier(const Barrier::Settings& settings)
      : Gate(settings.epoch), barrier(settings) {}

  explicit GateAndBarrier(const Gate& gate) : Gate(gate) {}

  Judgement judge(const Query& query) const { return Gate::judge(query, barrier); }

  Barrier barrier{Barrier::Settings{}};
};

GateAndBarrier gate_of(const BackendState& state) {
  GateAndBarrier gate;
  gate.on(state);
  return gate;
}

TEST(Gate, ReturnsTheGenerationThatHasEnded) {
  EXPECT_EQ(GateAndBarrier().ended_generation(), 0U) << "no report of supervisord yet";
  EXPECT_EQ(gate_of(backend(BackendPhase::Loading, 0)).ended_generation(), 0U);
  EXPECT_EQ(gate_of(backend(BackendPhase::Loading, 3)).ended_generation(), 2U);
  EXPECT_EQ(gate_of(backend(BackendPhase::Running, 3)).ended_generation(), 2U);
  EXPECT_EQ(gate_of(backend(BackendPhase::Killing, 3)).ended_generation(), 3U);
  BackendState error = backend(BackendPhase::Error, 3);
  EXPECT_EQ(gate_of(error).ended_generation(), 2U)
      << "the port is taken, so generation 3 was not spawned";
  error.exit = bus::BackendExit{.spawn_error = "no such file"};
  EXPECT_EQ(gate_of(error).ended_generation(), 2U);
  error.exit = bus::BackendExit{.code = 1};
  EXPECT_EQ(gate_of(error).ended_generation(), 3U);
}

// There is nothing to wait for: the backend is not restarted.
TEST(Gate, DoesNotHoldRequestsForAChangeThatWasOnlyNoted) {
  GateAndBarrier gate;
  BackendState paused = backend(BackendPhase::Running, 2, 4);
  paused.paused = true;
  paused.seen.revision = 5;
  gate.on(paused);
  const auto decision_for = [&gate](std::uint64_t revision) {
    return gate
        .judge(situation::Waiting{.needs = bus::TreePoint{.epoch = kEpoch, .revision = revision}})
        .decision;
  };
  EXPECT_EQ(decision_for(5), Decision::Stay) << "a restart has begun before the pause";
  paused.noted = paused.seen;
  gate.on(paused);
  EXPECT_EQ(decision_for(5), Decision::Forward);
  EXPECT_EQ(decision_for(6), Decision::Stay) << "supervisord has not noted it yet";
}

// Checks the table in gate.h for a request that was sent to generation 2.
TEST(Gate, DecidesByTheTableInTheHeader) {
  struct Row {
    Query query;
    Decision unknown, loading, killing, running, error;
  };
  using enum Decision;
  using namespace situation;
  const Row rows[] = {
      {Idle{.generation = 0}, Stay, Stay, Stay, Stay, Stay},
      {Idle{.generation = 2}, Close, Close, Close, Stay, Close},
      {Idle{.generation = 1}, Close, Close, Close, Close, Close},
      {Waiting{}, Stay, Stay, Stay, Forward, Crashed},
      {Sent{.generation = 2, .repeatable = true}, Hold, Hold, Hold, Stay, Crashed},
      {Sent{.generation = 2}, Unrepeated, Unrepeated, Unrepeated, Stay, Crashed},
      {Sent{.generation = 1, .repeatable = true}, Hold, Hold, Hold, Hold, Hold},
      {Sent{.generation = 1}, Unrepeated, Unrepeated, Unrepeated, Unrepeated, Unrepeated},
      {Lost{.generation = 2, .repeatable = true}, Hold, Hold, Hold, Stay, Crashed},
      {Lost{.generation = 2, .expired = true}, Unrepeated, Unrepeated, Unrepeated, BadGateway,
       Crashed},
      {Lost{.generation = 2, .repeatable = true, .expired = true}, Hold, Hold, Hold, BadGateway,
       Crashed},
      {Lost{.generation = 2, .repeatable = true, .reused = true}, Hold, Hold, Hold, Forward,
       Crashed},
      {Lost{.generation = 2, .reused = true}, Unrepeated, Unrepeated, Unrepeated, Stay, Crashed},
      {Begun{.generation = 2}, Close, Close, Close, Stay, Close},
      {Begun{.generation = 1}, Close, Close, Close, Close, Close},
      {Ended{.generation = 2, .repeatable = true, .check = 1}, Close, Close, Close, Stay, Close},
      {Ended{.generation = 2, .repeatable = true, .nothing_passed = true, .check = 1}, Hold, Hold,
       Hold, Stay, Crashed},
      {Ended{.generation = 1, .nothing_passed = true, .check = 1}, Unrepeated, Unrepeated,
       Unrepeated, Unrepeated, Unrepeated},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(&row - rows);
    EXPECT_EQ(GateAndBarrier().judge(row.query).decision, row.unknown);
    EXPECT_EQ(gate_of(backend(BackendPhase::Loading, 2)).judge(row.query).decision, row.loading);
    EXPECT_EQ(gate_of(backend(BackendPhase::Killing, 2)).judge(row.query).decision, row.killing);
    EXPECT_EQ(gate_of(backend(BackendPhase::Running, 2)).judge(row.query).decision, row.running);
    EXPECT_EQ(gate_of(backend(BackendPhase::Error, 2)).judge(row.query).decision, row.error);
  }
}

TEST(Gate, WaitsForABackendThatIsAsNewAsTheTree) {
  const situation::Waiting waiting;
  GateAndBarrier gate = gate_of(backend(BackendPhase::Running, 1, 4));
  gate.barrier.on(tree(4), {});
  EXPECT_EQ(gate.judge(waiting).decision, Decision::Forward);
  gate.barrier.on(tree(5), {});
  EXPECT_EQ(gate.judge(waiting).decision, Decision::Stay);
  gate.on(backend(BackendPhase::Error, 2, 4));
  EXPECT_EQ(gate.judge(waiting).decision, Decision::Stay);
  gate.on(backend(BackendPhase::Error, 2, 5));
  EXPECT_EQ(gate.judge(waiting).decision, Decision::Crashed);
  gate.on(backend(BackendPhase::Running, 3, 5));
  EXPECT_EQ(gate.judge(waiting).decision, Decision::Forward);
}

TEST(Gate, AnOldTreeHoldsNoRequest) {
  const situation::Waiting waiting;
  GateAndBarrier gate = gate_of(backend(BackendPhase::Running, 1, 4));
  gate.barrier.on(tree(9, /*watching=*/false), {});
  EXPECT_EQ(gate.judge(waiting).decision, Decision::Forward);
  gate.barrier.on(tree(9, /*watching=*/true, /*epoch=*/kEpoch + 1), {});
  EXPECT_EQ(gate.judge(waiting).decision, Decision::Forward);
}

// A gate with a strict barrier, and a ticket for a request that has just arrived.
class StrictGate : public testing::Test {
 protected:
  static constexpr std::uint64_t kTickets = 3;

  StrictGate() {
    query_.ticket = gate_.barrier.take(now_);
    (void)gate_.barrier.next(now_);
  }

  void answer(std::uint64_t revision, std::uint64_t epoch = kEpoch) {
    TreeState state = tree(revision, true, epoch);
    state.answers = {.epoch = kTickets, .number = query_.ticket};
    gate_.barrier.on(state, now_);
  }

  // Judges like a request, whose query contains the result of the last judgement.
  Decision decision() {
    const Judgement judgement = gate_.judge(query_);
    if (judgement.needs) query_.needs = judgement.needs;
    return judgement.decision;
  }

  TimePoint now_{};
  GateAndBarrier gate_{{.is_on = true, .epoch = kTickets}};
  situation::Waiting query_;
};

TEST_F(StrictGate, HoldsUntilTheTicketIsAnswered) {
  gate_.on(backend(BackendPhase::Running, 1, 4));
  gate_.barrier.on(tree(4), now_);
  EXPECT_EQ(decision(), Decision::Stay) << "a save may not be reported yet";
  answer(4);
  EXPECT_EQ(decision(), Decision::Forward);
}

TEST_F(StrictGate, HoldsForABackendAsNewAsTheAnswer) {
  gate_.on(backend(BackendPhase::Running, 1, 4));
  answer(5);
  EXPECT_EQ(decision(), Decision::Stay) << "supervisord does not have the message yet";
  gate_.on(backend(BackendPhase::Error, 1, 4));
  EXPECT_EQ(decision(), Decision::Stay) << "the backend ended, but a change will restart it";
  gate_.on(backend(BackendPhase::Running, 2, 5));
  EXPECT_EQ(decision(), Decision::Forward);
}

TEST_F(StrictGate, NeedsNoMoreThanTheAnswer) {
  gate_.on(backend(BackendPhase::Running, 2, 5));
  answer(5);
  EXPECT_EQ(gate_.judge(query_).needs, (bus::TreePoint{.epoch = kEpoch, .revision = 5}));
  query_.needs = gate_.judge(query_).needs;
  gate_.barrier.on(tree(9), now_);
  EXPECT_EQ(decision(), Decision::Forward) << "files that change without pause hold no request";
}

TEST_F(StrictGate, WaitsForSupervisordToKnowANewEpoch) {
  gate_.on(backend(BackendPhase::Running, 1, 4));
  answer(4, kEpoch + 1);
  EXPECT_EQ(decision(), Decision::Stay);
  auto adopted = backend(BackendPhase::Running, 1, 4);
  adopted.serves.epoch = kEpoch + 1;
  gate_.on(adopted);
  EXPECT_EQ(decision(), Decision::Forward);
}

TEST_F(StrictGate, ForwardsAfterALapse) {
  gate_.on(backend(BackendPhase::Running, 1, 4));
  gate_.barrier.on(tree(4), now_);
  while (const auto wake_at = gate_.barrier.wake_at()) {
    now_ = std::max(now_, *wake_at);
    (void)gate_.barrier.next(now_);
  }
  EXPECT_EQ(decision(), Decision::Forward);
  gate_.barrier.on(tree(5), now_);
  query_.needs.reset();
  EXPECT_EQ(decision(), Decision::Stay) << "a known change counts";
  gate_.barrier.on(tree(5, /*watching=*/false), now_);
  query_.needs.reset();
  EXPECT_EQ(decision(), Decision::Forward);
}

TEST_F(StrictGate, AFullQueueDoesNotRefuseRequestsThatWaitForTheBarrier) {
  gate_.on(backend(BackendPhase::Running, 1, 4));
  query_.is_shut_out = true;
  EXPECT_EQ(decision(), Decision::Stay);
  answer(5);
  EXPECT_EQ(decision(), Decision::QueueFull) << "now it would wait for the backend";
}

TEST(Gate, AnAnswerUntilTheCloseIsCompleteUnlessTheBackendWasKilled) {
  GateAndBarrier gate({.epoch = 8});
  situation::Ended query{.generation = 2, .check = gate.begin_check()};
  EXPECT_EQ(gate.newest_check(), (bus::Ticket{.epoch = 8, .number = query.check}));
  BackendState state = backend(BackendPhase::Running, 2);
  gate.on(state);
  EXPECT_EQ(gate.judge(query).decision, Decision::Stay)
      << "the report of a kill may not have arrived yet";
  state.answers = {.epoch = 7, .number = 100};
  gate.on(state);
  EXPECT_EQ(gate.judge(query).decision, Decision::Stay)
      << "another proxyd has sent that liveness check";
  state.answers = gate.newest_check();
  gate.on(state);
  EXPECT_EQ(gate.judge(query).decision, Decision::Complete);
  for (const auto phase : {BackendPhase::Killing, BackendPhase::Loading, BackendPhase::Error}) {
    state.state = phase;
    gate.on(state);
    EXPECT_EQ(gate.judge(query).decision, Decision::Close);
  }
  state = backend(BackendPhase::Running, 3);
  state.answers = gate.newest_check();
  gate.on(state);
  EXPECT_EQ(gate.judge(query).decision, Decision::Close) << "a newer one runs";
  gate.on(backend(BackendPhase::Running, 2));
  query.expired = true;
  EXPECT_EQ(gate.judge(query).decision, Decision::Complete) << "supervisord is gone";
  query.expired = false;
  GateAndBarrier alone(Gate::assuming_running());
  query.generation = 1;
  query.check = alone.begin_check();
  EXPECT_EQ(alone.judge(query).decision, Decision::Complete);
}

TEST(Gate, AFullQueueRefusesARequestThatWouldWait) {
  GateAndBarrier gate = gate_of(backend(BackendPhase::Loading, 1));
  const situation::Waiting late{.is_shut_out = true};
  EXPECT_EQ(gate.judge(late).decision, Decision::QueueFull);
  situation::Waiting interrupted = late;
  interrupted.was_forwarded = true;
  EXPECT_EQ(gate.judge(interrupted).decision, Decision::Stay)
      << "it has waited in the queue before";
  gate.on(backend(BackendPhase::Running, 1));
  EXPECT_EQ(gate.judge(late).decision, Decision::Forward);
  gate.on(backend(BackendPhase::Error, 1));
  EXPECT_EQ(gate.judge(late).decision, Decision::Crashed);
}

TEST(Gate, AssumingRunningForwardsAlways) {
  const GateAndBarrier gate(Gate::assuming_running());
  EXPECT_FALSE(gate.is_supervised());
  EXPECT_TRUE(GateAndBarrier().is_supervised());
  EXPECT_EQ(gate.judge(situation::Waiting{}).decision, Decision::Forward);
  const auto generation = gate.judge(situation::Idle{}).generation;
  EXPECT_EQ(gate.judge(situation::Idle{.generation = generation}).decision, Decision::Stay);
}

TEST(Gate, AssumingRunningWaitsForNoMessage) {
  const GateAndBarrier gate(Gate::assuming_running());
  situation::Lost lost{.generation = 1};
  EXPECT_EQ(gate.judge(lost).decision, Decision::BadGateway);
  lost.reused = true;
  EXPECT_EQ(gate.judge(lost).decision, Decision::BadGateway);
  lost.repeatable = true;
  EXPECT_EQ(gate.judge(lost).decision, Decision::Forward);
}

// Plays every order of eight messages. Only the newest message of each kind may matter, and the
// decisions must keep the proxy's promises.
class EveryHistory {
 public:
  void explore(const GateAndBarrier& gate, int depth) {
    check(gate);
    if (depth == 0) return;
    for (const BackendState& news : backends_) {
      GateAndBarrier next = gate;
      next.on(news);
      newest_backend_ = &news;
      explore(next, depth - 1);
    }
    const TreeState* const tree_before = newest_tree_;
    for (const TreeState& news : trees_) {
      GateAndBarrier next = gate;
      next.barrier.on(news, {});
      newest_tree_ = &news;
      explore(next, depth - 1);
    }
    newest_tree_ = tree_before;
  }

  std::size_t histories() const { return histories_; }

 private:
  void check(const GateAndBarrier& gate) {
    ++histories_;
    const Decision waiting = gate.judge(situation::Waiting{}).decision;
    const auto& state = gate.backend();
    if (waiting == Decision::Forward) {
      ASSERT_TRUE(state && state->state == BackendPhase::Running);
      if (newest_tree_ != nullptr && newest_tree_->watching) {
        ASSERT_GE(state->serves.revision, newest_tree_->revision);
      }
    }
    if (waiting == Decision::Crashed) {
      ASSERT_TRUE(state && state->state == BackendPhase::Error);
    }
    const Query sent[] = {situation::Sent{.generation = 1}, situation::Lost{.generation = 1}};
    for (const Query& query : sent) {
      const Decision unsafe = gate.judge(query).decision;
      ASSERT_NE(unsafe, Decision::Hold);
      ASSERT_NE(unsafe, Decision::Forward);
    }
  }

  const std::array<BackendState, 4> backends_{
      backend(BackendPhase::Running, 1, 0), backend(BackendPhase::Killing, 1, 0),
      backend(BackendPhase::Loading, 2, 1), backend(BackendPhase::Error, 2, 1)};
  const std::array<TreeState, 2> trees_{tree(1), tree(2, false)};
  const BackendState* newest_backend_ = nullptr;
  const TreeState* newest_tree_ = nullptr;
  std::size_t histories_ = 0;
};

TEST(Gate, EveryHistoryToDepthEight) {
  EveryHistory every;
  every.explore(GateAndBarrier(), 8);
  EXPECT_EQ(every.histories(), 2015539u);  // 1 + 6 + 6² + … + 6⁸
}

}  // namespace
}  // namespace hpp::proxyd
