// Checks the invariants of Conversation in every order of events up to a depth, sensible or not.
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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

struct NamedEvent {
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

const std::vector<NamedEvent> kEvents{
    NamedEvent{"watch", Watch{.since = "c:0"}},
    NamedEvent{"watch without a clock", Watch{.since = "", .is_replaced = true}},
    NamedEvent{"unwatch", Unwatch{}},
    NamedEvent{"sync", Sync{}},
    NamedEvent{"SocketFound", SocketFound{"/s"}},
    NamedEvent{"SocketNotFound", SocketNotFound{"why"}},
    NamedEvent{"Connected", Connected{}},
    NamedEvent{"Disconnected", Disconnected{"why"}},
    NamedEvent{"TimerExpired", TimerExpired{}},
    NamedEvent{"root", RootSeen{"1"}},
    NamedEvent{"another root", RootSeen{"2"}},
    NamedEvent{"project", pdu({{"watch", "/r"}})},
    NamedEvent{"forgotten", pdu({{"watch-del", true}})},
    NamedEvent{"clock", pdu({{"clock", "c:1"}})},
    NamedEvent{"changes", pdu({{"clock", "c:2"}, {"files", files({"a"})}})},
    NamedEvent{"subscribed", pdu({{"clock", "c:3"}, {"subscribe", "hpp"}})},
    NamedEvent{"news", pdu(news("c:4", false, {"a", "b"}))},
    NamedEvent{"fresh news", pdu(news("c:5", true, {}))},
    NamedEvent{"flushed", pdu({{"synced", {"hpp"}}, {"dropped", Json::array()}})},
    NamedEvent{"dropped", pdu({{"synced", Json::array()}, {"dropped", {"hpp"}}})},
    NamedEvent{"canceled",
               pdu({{"unilateral", true}, {"subscription", "hpp"}, {"canceled", true}})},
    NamedEvent{"refused", pdu({{"error", "no"}})},
    NamedEvent{"garbage", PduArrived{"garbage"}},
};

// Whether the event is an answer of Watchman, as opposed to a unilateral PDU.
bool is_answer(const Event& event) {
  const auto* arrived = std::get_if<PduArrived>(&event);
  const auto json = arrived ? bser::decode(arrived->bytes) : std::nullopt;
  return json && !json->contains("unilateral");
}

// The state of the world as the effects show it. Checked after every event.
struct Observer {
  bool connected = false;  // Connect was performed; no Disconnect since
  bool timer = false;      // the timer runs
  std::string question;    // last question
  int questions = 0;       // number of questions on this connection
  int answers_due = 0;     // questions without an answer
  bool look_due = false;   // LookAtRoot was performed but not answered
  bool works = false;      // Watch came; neither Lost nor Unwatch since
  bool has_begun = false;  // Began or Changed was reported
  bool watching = false;   // Watching was reported
  bool syncing = false;    // a Sync is not answered yet
  std::string clock;       // clock of the newest report
  bool has_links = false;  // LinksListed was reported

  // Whether the event can happen now. Some orders are impossible for Tree and the shell.
  bool can_happen(const Event& event) const {
    if (std::holds_alternative<Watch>(event)) return !works;
    if (std::holds_alternative<Unwatch>(event)) return works;
    if (std::holds_alternative<Sync>(event)) return watching && !syncing;
    if (std::holds_alternative<TimerExpired>(event)) return timer;
    if (std::holds_alternative<RootSeen>(event)) return look_due;
    return !look_due;
  }

  // Returns what is wrong, or null.
  const char* see(const Event& event, const Conversation& conversation, const Effects& effects) {
    if (std::holds_alternative<TimerExpired>(event)) timer = false;
    if (std::holds_alternative<RootSeen>(event)) look_due = false;
    if (std::holds_alternative<Unwatch>(event)) end();
    if (std::holds_alternative<Sync>(event)) syncing = true;
    if (const auto* watch = std::get_if<Watch>(&event)) {
      works = true;
      clock = watch->since;
    }
    if (answers_due > 0 && is_answer(event)) --answers_due;
    for (const Effect& effect : effects) {
      if (const char* wrong = std::visit([this](const auto& e) { return perform(e); }, effect)) {
        return wrong;
      }
    }
    return check(conversation.state());
  }

  void end() { works = has_begun = watching = syncing = false; }

  const char* check(State state) const {
    if (works != (state != State::Off)) return "the state is not what was reported";
    if (watching != (state == State::Watching)) return "reported `Watching` is not the state";
    if (answers_due > 1) return "two questions at a time";
    if (state == State::Watching && answers_due != (syncing ? 1 : 0)) return "no flush for a Sync";
    if (timer != (works && (!watching || syncing))) return "the timer does not run when it should";
    if (state == State::Off && connected) return "Off with a connection";
    if (state == State::Watching && !connected) return "Watching without a connection";
    return nullptr;
  }

  const char* perform(const FindSocket&) {
    return connected ? "search with a connection" : nullptr;
  }

  const char* perform(const Connect&) {
    if (connected) return "two connections";
    connected = true;
    questions = answers_due = 0;
    return nullptr;
  }

  const char* perform(const Send& effect) {
    if (!connected) return "sent without a connection";
    question = bser::decode(effect.bytes).value().at(0).get<std::string>();
    ++answers_due;
    if (question == "flush-subscriptions") return syncing ? nullptr : "a flush without a Sync";
    return ++questions > 8 ? "more than eight questions on a connection" : nullptr;
  }

  const char* perform(const LookAtRoot&) {
    if (look_due) return "two looks at a time";
    look_due = true;
    return nullptr;
  }

  const char* perform(const Disconnect&) {
    connected = false;
    answers_due = 0;
    return nullptr;
  }

  const char* perform(const StartTimer& effect) {
    timer = true;
    return effect.delay.count() > 0 ? nullptr : "a timer without a delay";
  }

  const char* perform(const StopTimer&) {
    timer = false;
    return nullptr;
  }

  const char* perform(const Say& effect) {
    return effect.text.find('\n') == std::string::npos ? nullptr : "a log line with a newline";
  }

  // ---- what Tree relies on: see the diagram in source.h ----

  const char* perform(const Delayed&) {
    return works && !has_begun ? nullptr : "a delay after the beginning";
  }

  const char* perform(const LinksListed&) {
    if (!works || has_begun) return "links after the beginning";
    return std::exchange(has_links, true) ? "links are listed twice" : nullptr;
  }

  const char* perform(const Began& report) {
    if (!works || has_begun) return "two beginnings";
    if (!clock.empty()) return "Began in spite of a clock";
    return go_on_to(report.clock);
  }

  const char* perform(const Changed& report) {
    if (!works) return "a change without a watch";
    if (!has_begun && clock.empty()) return "a change since no clock";
    if (!report.lost_track.empty() && !report.files.empty()) return "files, and none are known";
    return go_on_to(report.clock);
  }

  const char* go_on_to(const std::string& next) {
    has_begun = true;
    clock = next;
    return next.empty() ? "a report without a clock" : nullptr;
  }

  const char* perform(const Watching&) {
    if (!has_begun) return "Watching without a beginning";
    return std::exchange(watching, true) ? "Watching twice" : nullptr;
  }

  const char* perform(const Synced&) {
    return std::exchange(syncing, false) ? nullptr : "an answer to no Sync";
  }

  const char* perform(const SyncFailed& report) {
    if (report.why.empty()) return "a failure without a reason";
    return std::exchange(syncing, false) ? nullptr : "an answer to no Sync";
  }

  const char* perform(const Lost& report) {
    if (!works) return "lost without a watch";
    if (report.why.empty()) return "lost without a reason";
    if (has_begun && report.clock != clock) return "the clock of the last report is lost";
    end();
    return nullptr;
  }
};

// The next event if Watchman works.
Event good_event(State state, const Observer& observer) {
  if (observer.look_due) return RootSeen{"1"};
  switch (state) {
    case State::Off:
      return Watch{.since = observer.clock};
    case State::Finding:
      return SocketFound{"/s"};
    case State::Connecting:
      return Connected{};
    case State::Resolving:
      return pdu({{"watch", "/r"}});
    case State::Forgetting:
      return pdu({{"watch-del", true}});
    case State::CatchingUp:
      if (observer.question == "clock") return pdu({{"clock", "c:6"}});
      return pdu({{"clock", "c:6"}, {"files", Json::array()}});
    case State::Subscribing:
      return pdu({{"clock", "c:6"}, {"subscribe", "hpp"}});
    case State::Watching:
      break;
  }
  return pdu({{"synced", Json::array()}, {"no_sync_needed", {"hpp"}}});
}

// Checks that good events bring every history back to Watching, and that then a Sync is answered.
// Returns what is wrong, or null.
struct Healing {
  Conversation conversation;
  Observer observer;

  const char* heal() {
    if (const char* wrong = settle()) return wrong;
    if (const char* wrong = take(Sync{})) return wrong;
    return settle();
  }

  const char* settle() {
    for (int steps = 0; !observer.watching || observer.syncing; ++steps) {
      if (steps == 20) return "no way back to Watching, or to an answer";
      const Event event = good_event(conversation.state(), observer);
      if (const char* wrong = take(event)) return wrong;
    }
    return nullptr;
  }

  const char* take(const Event& event) {
    const Effects effects = conversation.on(event);
    return observer.see(event, conversation, effects);
  }
};

struct Walk {
  int depth_max;
  long histories = 0;
  int watched = 0;
  std::array<const char*, kDepth> path{};

  std::string history(int depth) const {
    std::string text;
    for (int i = 0; i < depth; ++i) text += std::string(path[static_cast<std::size_t>(i)]) + ", ";
    return text;
  }

  // Returns false at the first history that goes wrong.
  bool go(const Conversation& conversation, const Observer& observer, int depth) {
    if (const char* wrong = Healing{conversation, observer}.heal()) {
      ADD_FAILURE() << wrong << ", healing after: " << history(depth);
      return false;
    }
    if (depth == depth_max) return true;
    for (const NamedEvent& next : kEvents) {
      if (!observer.can_happen(next.event)) continue;
      Conversation copy = conversation;
      Observer view = observer;
      path[static_cast<std::size_t>(depth)] = next.name;
      ++histories;
      const Effects effects = copy.on(next.event);
      if (const char* wrong = view.see(next.event, copy, effects)) {
        ADD_FAILURE() << wrong << " after: " << history(depth + 1);
        return false;
      }
      // An event that did nothing leads to histories that were walked already.
      if (effects.empty()) continue;
      if (copy.state() == State::Watching) ++watched;
      if (!go(copy, view, depth + 1)) return false;
    }
    return true;
  }
};

void walk_from(const Healing& start, int depth_max) {
  Walk walk{.depth_max = depth_max};
  EXPECT_TRUE(walk.go(start.conversation, start.observer, 0));
  EXPECT_GT(walk.watched, 0);
  EXPECT_GT(walk.histories, kHistoriesMin);
}

TEST(ConversationExhaustive, FromOff) {
  walk_from({Conversation({.directory = "/r", .lists_links = true}), Observer{}}, kDepth);
}

TEST(ConversationExhaustive, FromWatching) {
  Healing start{Conversation({.directory = "/r"}), Observer{}};
  ASSERT_EQ(start.settle(), nullptr);
  walk_from(start, kDepthFromWatching);
}

}  // namespace
}  // namespace hpp::watchd::watchman
