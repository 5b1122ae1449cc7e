// Checks the invariants of Conversation in every order of events up to a depth, sensible or not.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/walk.h"
#include "watchd/watchman/core/bser.h"
#include "watchd/watchman/core/conversation.h"

namespace hpp::watchd::watchman {
namespace {

using Json = nlohmann::json;
using State = Conversation::State;

// The length of the histories. It is smaller from Watching on, where many events can happen. A step
// under a sanitizer takes several times as long.
#ifdef HPP_SANITIZED
constexpr int kDepth = 7;
constexpr int kDepthFromWatching = 3;
constexpr long kHistoriesMin = 1'000;
#else
constexpr int kDepth = 8;
constexpr int kDepthFromWatching = 5;
constexpr long kHistoriesMin = 10'000;
#endif

struct Move {
  const char* name;
  Event event;
};

Event pdu(const Json& json) {
  return PduArrived{bser::encode(json)};
}

Json files(const std::vector<const char*>& names) {
  Json files = Json::array();
  for (const char* name : names) files.push_back({{"name", name}});
  return files;
}

Json news(const char* clock, bool fresh, const std::vector<const char*>& names) {
  return {{"unilateral", true},
          {"subscription", "hpp"},
          {"clock", clock},
          {"is_fresh_instance", fresh},
          {"files", files(names)}};
}

const std::vector<Move> kMoves{
    {"watch", Watch{.since = "c:0"}},
    {"watch without a clock", Watch{.since = "", .is_replaced = true}},
    {"unwatch", Unwatch{}},
    {"sync", Sync{}},
    {"SocketFound", SocketFound{"/s"}},
    {"SocketNotFound", SocketNotFound{"why"}},
    {"Connected", Connected{}},
    {"Disconnected", Disconnected{"why"}},
    {"TimerExpired", TimerExpired{}},
    {"root", RootSeen{"1"}},
    {"another root", RootSeen{"2"}},
    {"project", pdu({{"watch", "/r"}})},
    {"forgotten", pdu({{"watch-del", true}})},
    {"clock", pdu({{"clock", "c:1"}})},
    {"changes", pdu({{"clock", "c:2"}, {"files", files({"a"})}})},
    {"fresh changes",
     pdu({{"clock", "c:2"}, {"is_fresh_instance", true}, {"files", Json::array()}})},
    {"subscribed", pdu({{"clock", "c:3"}, {"subscribe", "hpp"}})},
    {"news", pdu(news("c:4", false, {"a", "b"}))},
    {"fresh news", pdu(news("c:5", true, {}))},
    {"flushed", pdu({{"synced", {"hpp"}}, {"dropped", Json::array()}})},
    {"dropped", pdu({{"synced", Json::array()}, {"dropped", {"hpp"}}})},
    {"canceled", pdu({{"unilateral", true}, {"subscription", "hpp"}, {"canceled", true}})},
    {"refused", pdu({{"error", "no"}})},
    {"garbage", PduArrived{"garbage"}},
};

// Whether the event is an answer of Watchman, as opposed to a unilateral PDU.
bool is_answer(const Event& event) {
  const auto* arrived = std::get_if<PduArrived>(&event);
  const auto json = arrived ? bser::decode(arrived->bytes) : std::nullopt;
  return json && !json->contains("unilateral");
}

// Conversation, and the state of the world as its effects show it.
class Model : public test::Rules {
 public:
  explicit Model(bool lists_links)
      : conversation_({.directory = "/r", .lists_links = lists_links}) {}

  // Whether the event can happen now. Some orders are impossible for Tree and the shell.
  bool allows(const Move& move) const {
    const Event& event = move.event;
    if (std::holds_alternative<Watch>(event)) return !works_;
    if (std::holds_alternative<Unwatch>(event)) return works_;
    if (std::holds_alternative<Sync>(event)) return watching_ && !syncing_;
    if (std::holds_alternative<TimerExpired>(event)) return timer_;
    if (std::holds_alternative<RootSeen>(event)) return look_due_;
    return !look_due_;
  }

  void make(const Move& move) { take(move.event); }

  // Good events must lead to Watching. Then a Sync must be answered.
  void recover() {
    come_to_rest();
    take(Sync{});
    come_to_rest();
  }

  void come_to_rest() {
    int steps = 0;
    while (!is_idle() && ++steps <= 20) take(good_event());
    require(is_idle(), "no way back to Watching, or to an answer");
  }

  bool has_moved_on(const Model&) const { return has_acted_; }

 private:
  bool is_idle() const { return watching_ && !syncing_; }

  // The next event if Watchman works.
  Event good_event() const {
    if (look_due_) return RootSeen{"1"};
    switch (conversation_.state()) {
      case State::Off:
        return Watch{.since = clock_};
      case State::Finding:
        return SocketFound{"/s"};
      case State::Connecting:
        return Connected{};
      case State::Resolving:
        return pdu({{"watch", "/r"}});
      case State::Forgetting:
        return pdu({{"watch-del", true}});
      case State::CatchingUp:
        if (question_ == "clock") return pdu({{"clock", "c:6"}});
        return pdu({{"clock", "c:6"}, {"files", Json::array()}});
      case State::Subscribing:
        return pdu({{"clock", "c:6"}, {"subscribe", "hpp"}});
      case State::Watching:
        break;
    }
    return pdu({{"synced", Json::array()}, {"no_sync_needed", {"hpp"}}});
  }

  void take(const Event& event) {
    if (std::holds_alternative<TimerExpired>(event)) timer_ = false;
    if (std::holds_alternative<RootSeen>(event)) look_due_ = false;
    if (std::holds_alternative<Unwatch>(event)) end();
    if (std::holds_alternative<Sync>(event)) syncing_ = true;
    if (const auto* watch = std::get_if<Watch>(&event)) {
      works_ = true;
      clock_ = watch->since;
    }
    if (answers_due_ > 0 && is_answer(event)) --answers_due_;
    const Effects effects = conversation_.on(event);
    has_acted_ = !effects.empty();
    for (const Effect& effect : effects) std::visit([this](const auto& e) { perform(e); }, effect);
    check(conversation_.state());
  }

  void end() { works_ = has_begun_ = watching_ = syncing_ = false; }

  void check(State state) {
    require(works_ == (state != State::Off), "the state is not what was reported");
    require(watching_ == (state == State::Watching), "reported `Watching` is not the state");
    require(answers_due_ <= 1, "two questions at a time");
    require(!watching_ || answers_due_ == (syncing_ ? 1 : 0), "no flush for a Sync");
    require(timer_ == (works_ && !is_idle()), "the timer does not run when it should");
    require(state != State::Off || !connected_, "Off with a connection");
    require(state != State::Watching || connected_, "Watching without a connection");
  }

  void perform(const FindSocket&) { require(!connected_, "search with a connection"); }

  void perform(const Connect&) {
    require(!connected_, "two connections");
    connected_ = true;
    questions_ = answers_due_ = 0;
  }

  void perform(const Send& effect) {
    require(connected_, "sent without a connection");
    question_ = bser::decode(effect.bytes).value().at(0).get<std::string>();
    ++answers_due_;
    if (question_ == "flush-subscriptions") return require(syncing_, "a flush without a Sync");
    require(++questions_ <= 8, "more than eight questions on a connection");
  }

  void perform(const LookAtRoot&) {
    require(!look_due_, "two looks at a time");
    look_due_ = true;
  }

  void perform(const Disconnect&) {
    connected_ = false;
    answers_due_ = 0;
  }

  void perform(const StartTimer& effect) {
    timer_ = true;
    require(effect.delay.count() > 0, "a timer without a delay");
  }

  void perform(const StopTimer&) { timer_ = false; }

  void perform(const Say& effect) {
    require(effect.text.find('\n') == std::string::npos, "a log line with a newline");
  }

  // ---- what Tree relies on: see the diagram in source.h ----

  void perform(const Delayed&) { require(works_ && !has_begun_, "a delay after the beginning"); }

  void perform(const LinksListed&) { require(works_, "links without a watch"); }

  void perform(const Began& report) {
    require(works_ && !has_begun_, "two beginnings");
    require(clock_.empty(), "Began in spite of a clock");
    go_on_to(report.clock);
  }

  void perform(const Changed& report) {
    require(works_, "a change without a watch");
    require(has_begun_ || !clock_.empty(), "a change since no clock");
    require(report.lost_track.empty() || report.files.empty(), "files, and none are known");
    go_on_to(report.clock);
  }

  void go_on_to(const std::string& next) {
    has_begun_ = true;
    clock_ = next;
    require(!next.empty(), "a report without a clock");
  }

  void perform(const Watching&) {
    require(has_begun_, "Watching without a beginning");
    require(!std::exchange(watching_, true), "Watching twice");
  }

  void perform(const Synced&) { require(std::exchange(syncing_, false), "an answer to no Sync"); }

  void perform(const SyncFailed& report) {
    require(!report.why.empty(), "a failure without a reason");
    require(std::exchange(syncing_, false), "an answer to no Sync");
  }

  void perform(const Lost& report) {
    require(works_, "lost without a watch");
    require(!report.why.empty(), "lost without a reason");
    require(!has_begun_ || report.clock == clock_, "the clock of the last report is lost");
    end();
  }

  Conversation conversation_;
  bool has_acted_ = false;  // the last event had an effect
  bool connected_ = false;  // Connect was performed; no Disconnect since
  bool timer_ = false;      // the timer runs
  std::string question_;    // last question
  int questions_ = 0;       // number of questions on this connection
  int answers_due_ = 0;     // questions without an answer
  bool look_due_ = false;   // LookAtRoot was performed but not answered
  bool works_ = false;      // Watch came; neither Lost nor Unwatch since
  bool has_begun_ = false;  // Began or Changed was reported
  bool watching_ = false;   // Watching was reported
  bool syncing_ = false;    // a Sync is not answered yet
  std::string clock_;       // clock of the newest report
};

void walk_from(const Model& start, int depth) {
  test::Walk<Model, Move> walk(kMoves, depth, depth);
  walk.from(start);
  EXPECT_GT(walk.histories(), kHistoriesMin);
}

TEST(ConversationExhaustive, FromOff) {
  walk_from(Model(/*lists_links=*/true), kDepth);
}

TEST(ConversationExhaustive, FromWatching) {
  Model start(/*lists_links=*/false);
  start.come_to_rest();
  walk_from(start, kDepthFromWatching);
}

}  // namespace
}  // namespace hpp::watchd::watchman
