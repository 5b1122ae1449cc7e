#include "proxyd/core/switchboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hpp::proxyd {
namespace {

using bus::BackendPhase;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kEpoch = 7;

bus::TreeState tree(std::uint64_t revision, bus::Ticket answers = {}) {
  return {.stamp = {.epoch = kEpoch}, .revision = revision, .watching = true, .answers = answers};
}

bus::BackendState backend(BackendPhase state, std::uint64_t generation) {
  const bus::TreePoint point{.epoch = kEpoch, .revision = 1};
  return {.state = state, .generation = generation, .serves = point, .seen = point};
}

class SwitchboardTest : public testing::Test {
 protected:
  SwitchboardTest() {
    for (const ConnectionId id : {1, 2, 3}) static_cast<void>(board_.connect(id));
  }

  // The effects of the last call.
  void keep(const Switchboard::Effects& effects) {
    names_.clear();
    reconsidered_.clear();
    said_.clear();
    for (const Switchboard::Effect& effect : effects) {
      std::visit([this](const auto& e) { note(e); }, effect);
    }
  }

  void note(const Switchboard::AskSoon&) { names_.push_back("AskSoon"); }

  void note(const Switchboard::CountSoon&) { names_.push_back("CountSoon"); }

  void note(const Switchboard::Publish&) { names_.push_back("Publish"); }

  void note(const Switchboard::Reconsider& effect) {
    names_.push_back("Reconsider");
    reconsidered_ = effect.connections;
  }

  void note(const Switchboard::Say& effect) {
    names_.push_back(effect.is_warning ? "Warn" : "Inform");
    said_ = effect.text;
  }

  Switchboard::Place& place(ConnectionId id) { return board_.place(id); }

  // A request arrives and is Held.
  void hold(ConnectionId id) {
    keep(board_.arrive(place(id), target_, /*is_judged=*/true, now_));
    board_.set_waiting(place(id), true);
  }

  void ask(bool has_closes = false) { keep(board_.ask(has_closes, now_)); }

  Decision judge(ConnectionId id) {
    return board_.judge(place(id), situation::Waiting{.ticket = place(id).ticket})
        .judgement.decision;
  }

  TimePoint now_{std::chrono::hours(1)};
  Target target_{.gate = Gate(kEpoch), .queue_limit = 2};
  Switchboard board_{target_, {.is_on = true, .timeout = milliseconds(2000), .epoch = kEpoch}};
  std::vector<std::string> names_;
  std::vector<ConnectionId> reconsidered_;
  std::string said_;
};

TEST_F(SwitchboardTest, RequestsOfOneTurnShareATicket) {
  hold(1);
  EXPECT_THAT(names_, ElementsAre("AskSoon"));
  hold(2);
  EXPECT_THAT(names_, IsEmpty()) << "an AskSoon is already pending";
  EXPECT_EQ(place(1).ticket, place(2).ticket);
  ask();
  EXPECT_THAT(names_, ElementsAre("Publish"));
  EXPECT_EQ(board_.state().asks, (bus::Ticket{.epoch = kEpoch, .number = place(1).ticket}));
  hold(3);
  EXPECT_THAT(names_, ElementsAre("AskSoon"));
  EXPECT_EQ(place(3).ticket, place(1).ticket + 1);
}

TEST_F(SwitchboardTest, ARequestThatDoesNotWaitAtTheGateTakesNoTicket) {
  keep(board_.arrive(place(1), target_, /*is_judged=*/false, now_));
  EXPECT_THAT(names_, IsEmpty());
  EXPECT_EQ(place(1).ticket, 0U);
  EXPECT_EQ(place(1).arrival, 1U);
}

TEST_F(SwitchboardTest, ARequestToAnIdleWatchdAsksForNothing) {
  keep(board_.on(tree(1), now_));
  ask();
  const bus::Stamp stamp = tree(1).stamp;
  keep(board_.arrive(place(1), target_, /*is_judged=*/true, now_,
                     bus::IdlePoint{.epoch = stamp.epoch, .sequence = stamp.sequence}));
  EXPECT_EQ(place(1).ticket, 0U);
  EXPECT_THAT(names_, IsEmpty());
}

TEST_F(SwitchboardTest, ARestartIsRequestedIfASupervisorReports) {
  keep(board_.request_restart());
  EXPECT_THAT(names_, IsEmpty());
  EXPECT_EQ(board_.state().restart, bus::Ticket{});
  keep(board_.on(target_, backend(BackendPhase::Running, 1)));
  ask();
  for (const std::uint64_t number : {1U, 2U}) {
    keep(board_.request_restart());
    EXPECT_THAT(names_, ElementsAre("AskSoon"));
    ask();
    EXPECT_THAT(names_, ElementsAre("Publish"));
    EXPECT_EQ(board_.state().restart, (bus::Ticket{.epoch = kEpoch, .number = number}));
  }
}

TEST_F(SwitchboardTest, APauseIsRequestedAndEnded) {
  keep(board_.request_pause(true));
  EXPECT_EQ(board_.state().pause, bus::Ticket{}) << "no supervisor reports";
  keep(board_.on(target_, backend(BackendPhase::Running, 1)));
  for (const bool begins : {true, false, true}) {
    const std::uint64_t before = board_.state().pause.number;
    keep(board_.request_pause(begins));
    ask();
    EXPECT_EQ(board_.state().pause.number, before + 1);
    EXPECT_EQ(board_.state().pauses, begins);
  }
}

TEST_F(SwitchboardTest, AMessageOfWatchdReconsidersTheQueueInOrderOfArrival) {
  hold(3);
  hold(1);
  keep(board_.on(tree(1), now_));
  EXPECT_THAT(reconsidered_, ElementsAre(3, 1));
  board_.set_waiting(place(3), false);
  keep(board_.on(tree(1), now_));
  EXPECT_THAT(reconsidered_, ElementsAre(1));
}

TEST_F(SwitchboardTest, AReportAboutABackendConcernsItsConnectionsInOrderOfArrival) {
  hold(3);
  hold(1);
  board_.set_waiting(place(1), false);
  keep(board_.on(target_, backend(BackendPhase::Running, 1)));
  EXPECT_THAT(reconsidered_, ElementsAre(3, 1)) << "the second has sent no request";
  Target other{.gate = Gate(kEpoch), .queue_limit = 1};
  keep(board_.arrive(place(1), other, /*is_judged=*/true, now_));
  keep(board_.on(target_, backend(BackendPhase::Killing, 1)));
  EXPECT_THAT(reconsidered_, ElementsAre(3)) << "the next request of the first is for another one";
  keep(board_.on(other, backend(BackendPhase::Running, 1)));
  EXPECT_THAT(reconsidered_, ElementsAre(1));
}

TEST_F(SwitchboardTest, ARequestIsRefusedIfTheQueueIsFull) {
  keep(board_.on(tree(1, {.epoch = kEpoch, .number = 9}), now_));
  for (const ConnectionId id : {1, 2}) hold(id);
  keep(board_.arrive(place(3), target_, /*is_judged=*/true, now_));
  EXPECT_EQ(judge(3), Decision::QueueFull);
  EXPECT_EQ(judge(1), Decision::Stay) << "it is in the queue already";
  board_.set_waiting(place(1), false);
  EXPECT_EQ(judge(3), Decision::Stay);
}

TEST_F(SwitchboardTest, AClosedConnectionLeavesTheQueue) {
  hold(1);
  EXPECT_EQ(target_.queue.size(), 1U);
  keep(board_.forget(1));
  EXPECT_THAT(target_.queue, IsEmpty());
  EXPECT_EQ(board_.state_now().clients, 2U);
}

TEST_F(SwitchboardTest, CountsArePublishedAtIntervals) {
  keep(board_.count());
  EXPECT_THAT(names_, ElementsAre("Publish"));
  hold(1);
  EXPECT_THAT(names_, ElementsAre("AskSoon", "CountSoon"));
  board_.forward(place(1));
  board_.forward(place(1));
  ask();
  EXPECT_EQ(board_.state().held, 0U) << "a ticket is published without new counts";
  keep(board_.count());
  EXPECT_EQ(board_.state().held, 1U);
  EXPECT_EQ(board_.state().clients, 3U);
  EXPECT_EQ(board_.state().forwarded, 2U);
  EXPECT_EQ(board_.state().replayed, 1U);
  keep(board_.arrive(place(1), target_, /*is_judged=*/true, now_));
  board_.forward(place(1));
  EXPECT_EQ(board_.state_now().replayed, 1U) << "another request";
}

TEST_F(SwitchboardTest, AnAnswerThatHasEndedGetsOneLivenessCheck) {
  keep(board_.on(target_, backend(BackendPhase::Running, 1)));
  keep(board_.arrive(place(1), target_, /*is_judged=*/true, now_));
  ask();
  const auto judge_end = [&](std::uint64_t check) {
    const Switchboard::Ruling ruling =
        board_.judge(place(1), situation::Ended{.generation = 1, .check = check});
    keep(ruling.effects);
    EXPECT_EQ(ruling.judgement.decision, Decision::Stay);
    EXPECT_EQ(ruling.judgement.check, 1U);
  };
  judge_end(0);
  EXPECT_THAT(names_, ElementsAre("AskSoon"));
  judge_end(1);
  EXPECT_THAT(names_, IsEmpty());
  ask();
  EXPECT_EQ(board_.state().liveness_check, (bus::Ticket{.epoch = kEpoch, .number = 1}));
}

TEST_F(SwitchboardTest, AGenerationIsReleasedWhenItsConnectionsAreClosed) {
  keep(board_.on(target_, backend(BackendPhase::Killing, 4)));
  ask(/*has_closes=*/true);
  EXPECT_THAT(names_, ElementsAre("AskSoon", "Publish"));
  EXPECT_EQ(board_.state().released, 0U);
  ask();
  EXPECT_EQ(board_.state().released, 4U);
}

TEST_F(SwitchboardTest, ALapseOfTheBarrierFreesTheQueueAndIsReportedOnce) {
  keep(board_.on(tree(1), now_));
  keep(board_.on(target_, backend(BackendPhase::Running, 1)));
  hold(1);
  ask();
  EXPECT_EQ(judge(1), Decision::Stay);
  while (names_ != std::vector<std::string>{"Publish", "Warn", "Reconsider"}) {
    ASSERT_TRUE(board_.wake_at());
    now_ = *board_.wake_at();
    ask();
  }
  EXPECT_THAT(reconsidered_, ElementsAre(1));
  EXPECT_EQ(judge(1), Decision::Forward);
  EXPECT_THAT(board_.state_now().problem, testing::HasSubstr("does not answer"));
  ask();
  EXPECT_THAT(names_, ElementsAre("Publish"));
  keep(board_.on(tree(1, {.epoch = kEpoch, .number = 1}), now_));
  EXPECT_THAT(said_, testing::HasSubstr("answers again"));
  EXPECT_EQ(board_.state_now().problem, "");
}

TEST_F(SwitchboardTest, AMissingReportOfSupervisordIsLoggedUntilItComes) {
  keep(board_.on_supervisor_overdue());
  EXPECT_THAT(names_, testing::Contains("Warn"));
  EXPECT_THAT(board_.state_now().problem, testing::HasSubstr("supervisor"));
  keep(board_.on(target_, backend(BackendPhase::Loading, 1)));
  EXPECT_THAT(names_, testing::Contains("Inform"));
  EXPECT_EQ(board_.state_now().problem, "");
  keep(board_.on_supervisor_overdue());
  EXPECT_THAT(names_, IsEmpty());
}

TEST_F(SwitchboardTest, RecordsWhenAChangeWasReported) {
  EXPECT_FALSE(board_.changed_at());
  const TimePoint first = now_;
  keep(board_.on(tree(1), now_));
  EXPECT_EQ(board_.changed_at(), first);
  now_ += milliseconds(5);
  keep(board_.on(tree(1, {.epoch = kEpoch, .number = 1}), now_));
  EXPECT_EQ(board_.changed_at(), first) << "that was an answer to a ticket";
  keep(board_.on(tree(2), now_));
  EXPECT_EQ(board_.changed_at(), now_);
}

}  // namespace
}  // namespace hpp::proxyd
