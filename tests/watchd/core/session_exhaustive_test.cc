// Every order of events up to a depth, sensible or not: what must hold in all of them.
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "watchd/core/bser.h"
#include "watchd/core/session.h"

namespace hpp::watchd {
namespace {

using Json = nlohmann::json;
using State = Session::State;

constexpr int kDepth = 8;

struct NamedEvent {
  const char* name;
  Event event;
};

Event pdu(const Json& json) {
  return PduArrived{bser::encode(json)};
}

Json news(const char* clock, bool fresh, const Json& files) {
  return {{"unilateral", true},
          {"subscription", "hpp"},
          {"clock", clock},
          {"is_fresh_instance", fresh},
          {"files", files}};
}

const std::array kEvents{
    NamedEvent{"SocketFound", SocketFound{"/s"}},
    NamedEvent{"SocketNotFound", SocketNotFound{"why"}},
    NamedEvent{"Connected", Connected{}},
    NamedEvent{"Disconnected", Disconnected{"why"}},
    NamedEvent{"TimerExpired", TimerExpired{}},
    NamedEvent{"project", pdu({{"watch", "/r"}})},
    NamedEvent{"clock", pdu({{"clock", "c:1"}})},
    NamedEvent{"changes", pdu({{"clock", "c:2"}, {"files", {"a"}}})},
    NamedEvent{"subscribed", pdu({{"clock", "c:3"}, {"subscribe", "hpp"}})},
    NamedEvent{"news", pdu(news("c:4", false, {"a", "b"}))},
    NamedEvent{"fresh news", pdu(news("c:5", true, Json::array()))},
    NamedEvent{"canceled",
               pdu({{"unilateral", true}, {"subscription", "hpp"}, {"canceled", true}})},
    NamedEvent{"refused", pdu({{"error", "no"}})},
    NamedEvent{"garbage", PduArrived{"garbage"}},
};

// Every PDU but those that nobody asked for.
bool is_answer(const Event& event) {
  const auto* arrived = std::get_if<PduArrived>(&event);
  const auto json = arrived ? bser::decode(arrived->bytes) : std::nullopt;
  return json && !json->contains("unilateral");
}

// What an observer of the effects knows, checked after every event.
struct Observer {
  bool connected = false;   // Connect performed, no Disconnect since
  bool searching = false;   // FindSocket performed, not answered
  bool timer = false;       // runs
  std::string question;     // sent last
  int questions = 0;        // sent on this connection
  int answers_due = 0;      // of those not yet answered
  bool subscribed = false;  // the answer to subscribe came on this connection
  std::uint64_t revision = 0;
  bool watching = false;

  // Returns what is wrong, or null.
  const char* see(const Event& event, const Session& session, const Effects& effects) {
    if (std::holds_alternative<TimerExpired>(event)) timer = false;
    if (std::holds_alternative<SocketFound>(event) ||
        std::holds_alternative<SocketNotFound>(event)) {
      searching = false;
    }
    if (answers_due > 0 && is_answer(event)) --answers_due;
    subscribed = session.state() == State::Watching;
    for (const Effect& effect : effects) {
      if (const char* wrong = std::visit([this](const auto& e) { return perform(e); }, effect)) {
        return wrong;
      }
    }
    return check(session.state());
  }

  const char* check(State state) const {
    if (watching != (state == State::Watching)) return "published `watching` is not the state";
    if (watching && !subscribed) return "watching without a subscription";
    if (answers_due > 1) return "two questions at a time";
    if (state == State::Watching && answers_due != 0) return "Watching with a question open";
    if (state != State::Watching && !timer) return "no timer runs: no way out";
    if (state == State::Backoff && connected) return "Backoff with a connection";
    if (state == State::Watching && !connected) return "Watching without a connection";
    return nullptr;
  }

  const char* perform(const FindSocket&) {
    if (connected) return "search with a connection";
    searching = true;
    return nullptr;
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
    ++questions;
    ++answers_due;
    return questions > 4 ? "more than four questions on a connection" : nullptr;
  }

  const char* perform(const Disconnect&) {
    connected = searching = subscribed = false;
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

  const char* perform(const Publish& effect) {
    if (effect.tree.revision < revision) return "the revision went back";
    if (effect.tree.watching == !effect.tree.problem.empty()) return "problem and watching differ";
    if (effect.tree.changed.size() > effect.tree.changed_count) return "more names than changes";
    if (effect.tree.watching && effect.tree.clock.empty()) return "watching without a clock";
    revision = effect.tree.revision;
    watching = effect.tree.watching;
    return nullptr;
  }

  const char* perform(const Say& effect) {
    return effect.text.find('\n') == std::string::npos ? nullptr : "a log line with a newline";
  }
};

// What a Watchman that works would do next, as far as the observer can tell.
Event good_event(State state, const std::string& question) {
  switch (state) {
    case State::Finding:
      return SocketFound{"/s"};
    case State::Connecting:
      return Connected{};
    case State::Resolving:
      return pdu({{"watch", "/r"}});
    case State::CatchingUp:
      if (question == "clock") return pdu({{"clock", "c:6"}});
      return pdu({{"clock", "c:6"}, {"files", Json::array()}});
    case State::Subscribing:
      return pdu({{"clock", "c:6"}, {"subscribe", "hpp"}});
    case State::Watching:
      return pdu(news("c:7", false, {"z"}));
    case State::Backoff:
      break;
  }
  return TimerExpired{};
}

// It brings every history back to Watching, where a change counts once.
// Returns what is wrong, or null.
const char* heal(Session session, Observer observer) {
  for (int steps = 0; session.state() != State::Watching; ++steps) {
    if (steps == 10) return "no way back to Watching";
    const Event event = good_event(session.state(), observer.question);
    const Effects effects = session.on(event, {});
    if (const char* wrong = observer.see(event, session, effects)) return wrong;
  }
  const std::uint64_t revision = observer.revision;
  const Event event = good_event(State::Watching, "");
  const Effects effects = session.on(event, {});
  if (const char* wrong = observer.see(event, session, effects)) return wrong;
  return observer.revision == revision + 1 ? nullptr : "a change did not count once";
}

struct Walk {
  long histories = 0;
  int watched = 0;
  std::array<const char*, kDepth> path{};

  std::string history(int depth) const {
    std::string text;
    for (int i = 0; i < depth; ++i) text += std::string(path[static_cast<std::size_t>(i)]) + ", ";
    return text;
  }

  // Returns false at the first history that goes wrong.
  bool go(const Session& session, const Observer& observer, int depth) {
    if (const char* wrong = heal(session, observer)) {
      ADD_FAILURE() << wrong << ", healing after: " << history(depth);
      return false;
    }
    if (depth == kDepth) return true;
    for (const NamedEvent& next : kEvents) {
      Session copy = session;
      Observer view = observer;
      path[static_cast<std::size_t>(depth)] = next.name;
      ++histories;
      const Effects effects = copy.on(next.event, {});
      // An event that did nothing leads to histories that were walked already.
      if (effects.empty()) continue;
      if (const char* wrong = view.see(next.event, copy, effects)) {
        ADD_FAILURE() << wrong << " after: " << history(depth + 1);
        return false;
      }
      if (copy.state() == State::Watching) ++watched;
      if (!go(copy, view, depth + 1)) return false;
    }
    return true;
  }
};

void walk_from(const std::optional<bus::TreeState>& resumed) {
  Session session({.directory = "/r", .resumed = resumed});
  Observer observer;
  if (resumed) observer.revision = resumed->revision;
  const Effects effects = session.on(Started{}, {});
  ASSERT_EQ(observer.see(Started{}, session, effects), nullptr);
  Walk walk;
  EXPECT_TRUE(walk.go(session, observer, 0));
  EXPECT_GT(walk.watched, 0);
  EXPECT_GT(walk.histories, 10'000);
}

TEST(SessionExhaustive, FirstStart) {
  walk_from(std::nullopt);
}

TEST(SessionExhaustive, Resumed) {
  walk_from(bus::TreeState{.revision = 5, .clock = "c:0", .watching = true});
}

TEST(SessionExhaustive, ResumedWithoutAClock) {
  walk_from(bus::TreeState{.revision = 5});
}

}  // namespace
}  // namespace hpp::watchd
