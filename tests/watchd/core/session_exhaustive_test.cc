// Every order of events up to a depth, sensible or not: what must hold in all of them.
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "watchd/core/bser.h"
#include "watchd/core/session.h"

namespace hpp::watchd {
namespace {

using Json = nlohmann::json;
using State = Session::State;

// Of histories; from Watching on each event has many that may follow. A step under a sanitizer
// takes several times as long.
#ifdef HPP_SANITIZED
constexpr int kDepth = 6;
constexpr int kDepthFromWatching = 4;
constexpr long kHistoriesMin = 8'000;
constexpr int kWatchedMin = 500;
#else
constexpr int kDepth = 8;
constexpr int kDepthFromWatching = 6;
constexpr long kHistoriesMin = 10'000;
constexpr int kWatchedMin = 10'000;
#endif

struct NamedEvent {
  const char* name;
  Event event;
};

Event pdu(const Json& json) {
  return PduArrived{bser::encode(json)};
}

// That directory is the project folder and the root.
Event looked(const char* folder, const std::vector<GitLock>& locks = {}) {
  return Looked{.folder = folder, .root = folder, .locks = locks, .repositories = {}};
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

// The way to Watching and back. A ticket that is remembered stands for all.
const std::vector<NamedEvent> kConversation{
    NamedEvent{"SocketFound", SocketFound{"/s"}},
    NamedEvent{"SocketNotFound", SocketNotFound{"why"}},
    NamedEvent{"Connected", Connected{}},
    NamedEvent{"Disconnected", Disconnected{"why"}},
    NamedEvent{"TimerExpired", TimerExpired{}},
    NamedEvent{"project", pdu({{"watch", "/r"}})},
    NamedEvent{"clock", pdu({{"clock", "c:1"}})},
    NamedEvent{"changes", pdu({{"clock", "c:2"}, {"files", files({"a"})}})},
    NamedEvent{"subscribed", pdu({{"clock", "c:3"}, {"subscribe", "hpp"}})},
    NamedEvent{"news", pdu(news("c:4", false, {"a", "b"}))},
    NamedEvent{"fresh news", pdu(news("c:5", true, {}))},
    NamedEvent{"canceled",
               pdu({{"unilateral", true}, {"subscription", "hpp"}, {"canceled", true}})},
    NamedEvent{"refused", pdu({{"error", "no"}})},
    NamedEvent{"ticket 1", TicketSeen{{.epoch = 1, .number = 1}}},
    NamedEvent{"garbage", PduArrived{"garbage"}},
};

// What happens while Watching, and the shortest way back to it.
const std::vector<NamedEvent> kWatching{
    NamedEvent{"news", pdu(news("c:4", false, {"a", "b"}))},
    NamedEvent{"refused", pdu({{"error", "no"}})},
    NamedEvent{"flushed", pdu({{"synced", {"hpp"}}, {"dropped", Json::array()}})},
    NamedEvent{"dropped", pdu({{"synced", Json::array()}, {"dropped", {"hpp"}}})},
    NamedEvent{"ticket 1", TicketSeen{{.epoch = 1, .number = 1}}},
    NamedEvent{"ticket 2", TicketSeen{{.epoch = 1, .number = 2}}},
    NamedEvent{"ticket of another epoch", TicketSeen{{.epoch = 2, .number = 1}}},
    NamedEvent{"lock", looked("1", {GitLock{.path = "/r/.git/index.lock"}})},
    NamedEvent{"no lock", looked("1")},
    NamedEvent{"replaced", looked("2")},
    NamedEvent{"gone", looked("")},
    NamedEvent{"stirred", FolderStirred{}},
    NamedEvent{"TimerExpired", TimerExpired{}},
    NamedEvent{"Disconnected", Disconnected{"why"}},
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
  bool settling = false;
  bus::Ticket asked;
  bus::Ticket answered;
  bool flushing = false;   // a flush is in flight
  bus::Ticket covered;     // asked when the last flush was sent, unless git came in between
  bool look_due = false;   // Look performed, not answered
  bool is_locked = false;  // at the last look

  // Returns what is wrong, or null.
  const char* see(const Event& event, const Session& session, const Effects& effects) {
    if (std::holds_alternative<TimerExpired>(event)) timer = false;
    if (std::holds_alternative<SocketFound>(event) ||
        std::holds_alternative<SocketNotFound>(event)) {
      searching = false;
    }
    if (answers_due > 0 && is_answer(event)) --answers_due;
    if (answers_due == 0) flushing = false;
    if (const auto* seen = std::get_if<TicketSeen>(&event)) note(seen->ticket);
    if (const auto* looked = std::get_if<Looked>(&event)) note(*looked);
    subscribed = session.state() == State::Watching;
    for (const Effect& effect : effects) {
      if (const char* wrong = std::visit([this](const auto& e) { return perform(e); }, effect)) {
        return wrong;
      }
    }
    return check(session.state());
  }

  void note(const bus::Ticket& ticket) {
    if (!asked.covers(ticket)) asked = ticket;
  }

  void note(const Looked& looked) {
    if (look_due) is_locked = !looked.locks.empty();
    look_due = false;
    if (is_locked) covered = {};
  }

  bool is_wanted() const { return asked.epoch != 0 && !answered.covers(asked); }

  const char* check(State state) const {
    if (watching != (state == State::Watching)) return "published `watching` is not the state";
    if (watching && !subscribed) return "watching without a subscription";
    if (answers_due > 1) return "two questions at a time";
    if (state == State::Watching && answers_due != 0 && !flushing) {
      return "Watching with a question open";
    }
    if (flushing && !timer) return "a flush is waited for without end";
    if (state == State::Watching && (is_wanted() || settling) && !timer && !look_due) {
      return "nothing is done for a ticket or for what is kept";
    }
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
    ++answers_due;
    if (question == "flush-subscriptions") return flush();
    ++questions;
    return questions > 8 ? "more than eight questions on a connection" : nullptr;
  }

  const char* flush() {
    if (!watching) return "a flush without a subscription";
    if (flushing) return "two flushes at a time";
    if (is_locked || look_due) return "a flush without a look, or in spite of it";
    flushing = true;
    covered = asked;
    return nullptr;
  }

  const char* perform(const AskGit&) { return "asks git without --gitignore"; }

  const char* perform(const FollowLinks& effect) {
    return effect.names.empty() ? "follows no links" : nullptr;
  }

  const char* perform(const Look&) {
    if (look_due) return "two looks at a time";
    look_due = true;
    return nullptr;
  }

  const char* perform(const Disconnect&) {
    flushing = false;
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
    if (const char* wrong = see_answer(effect.tree)) return wrong;
    revision = effect.tree.revision;
    watching = effect.tree.watching;
    settling = effect.tree.settling;
    answered = effect.tree.answers;
    return nullptr;
  }

  const char* see_answer(const bus::TreeState& tree) const {
    if (tree.settling && !tree.watching) return "settling, and not watching";
    if (tree.watching && watching && is_locked && tree.revision != revision) {
      return "a change is told while git writes";
    }
    if (tree.answers == answered) return nullptr;
    if (!tree.watching) return "an answer, and not watching";
    if (is_locked || look_due) return "an answer without a look, or in spite of it";
    if (flushing || tree.answers != covered) return "an answer to what was not flushed";
    return nullptr;
  }

  const char* perform(const Say& effect) {
    return effect.text.find('\n') == std::string::npos ? nullptr : "a log line with a newline";
  }
};

// What a Watchman that works would do next, as far as the observer can tell, and a git that has
// finished.
Event good_event(State state, const Observer& observer) {
  if (observer.look_due) return looked("1");
  switch (state) {
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
      if (observer.flushing) {
        return pdu({{"synced", Json::array()}, {"no_sync_needed", {"hpp"}}});
      }
      return observer.timer ? Event(TimerExpired{}) : Event(pdu(news("c:7", false, {"z"})));
    case State::Backoff:
      break;
  }
  return TimerExpired{};
}

// It brings every history back to Watching, where each ticket is answered and a change counts once.
// Returns what is wrong, or null.
struct Healing {
  Session session;
  Observer observer;

  const char* heal() {
    if (const char* wrong = settle()) return wrong;
    if (const char* wrong = take(TicketSeen{{.epoch = 3, .number = 1}})) return wrong;
    if (const char* wrong = settle()) return wrong;
    const std::uint64_t revision = observer.revision;
    if (const char* wrong = take(good_event(State::Watching, observer))) return wrong;
    if (const char* wrong = settle()) return wrong;
    return observer.revision == revision + 1 ? nullptr : "a change did not count once";
  }

  bool is_settled() const {
    return session.state() == State::Watching && !observer.is_wanted() && !observer.settling &&
           !observer.look_due && !observer.timer;
  }

  const char* settle() {
    for (int steps = 0; !is_settled(); ++steps) {
      if (steps == 20) return "no way back to Watching, or to an answer";
      if (const char* wrong = take(good_event(session.state(), observer))) return wrong;
    }
    return nullptr;
  }

  const char* take(const Event& event) {
    const Effects effects = session.on(event, {});
    return observer.see(event, session, effects);
  }
};

struct Walk {
  const std::vector<NamedEvent>& events;
  int depth_max;
  long histories = 0;
  int watched = 0;
  std::array<const char*, kDepth> path{};

  std::string history(int depth) const {
    std::string text;
    for (int i = 0; i < depth; ++i) text += std::string(path[static_cast<std::size_t>(i)]) + ", ";
    return text;
  }

  // While Watching, looks are events of the walk. Returns what is wrong, or null.
  static const char* look_at_once(Session& session, Observer& observer) {
    if (!observer.look_due || session.state() == State::Watching) return nullptr;
    const Event event = looked("1");
    const Effects effects = session.on(event, {});
    return observer.see(event, session, effects);
  }

  // Returns false at the first history that goes wrong.
  bool go(const Session& session, const Observer& observer, int depth) {
    if (const char* wrong = Healing{session, observer}.heal()) {
      ADD_FAILURE() << wrong << ", healing after: " << history(depth);
      return false;
    }
    if (depth == depth_max) return true;
    for (const NamedEvent& next : events) {
      Session copy = session;
      Observer view = observer;
      path[static_cast<std::size_t>(depth)] = next.name;
      ++histories;
      const Effects effects = copy.on(next.event, {});
      const char* wrong = view.see(next.event, copy, effects);
      if (wrong == nullptr) wrong = look_at_once(copy, view);
      if (wrong != nullptr) {
        ADD_FAILURE() << wrong << " after: " << history(depth + 1);
        return false;
      }
      // An event that did nothing leads to histories that were walked already.
      if (effects.empty() && view.asked == observer.asked && view.look_due == observer.look_due) {
        continue;
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
  ASSERT_EQ(Walk::look_at_once(session, observer), nullptr);
  Walk walk{.events = kConversation, .depth_max = kDepth};
  EXPECT_TRUE(walk.go(session, observer, 0));
  EXPECT_GT(walk.watched, 0);
  EXPECT_GT(walk.histories, kHistoriesMin);
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

TEST(SessionExhaustive, FromWatching) {
  Healing start{Session({.directory = "/r"}), Observer{}};
  ASSERT_EQ(start.take(Started{}), nullptr);
  ASSERT_EQ(start.settle(), nullptr);
  Walk walk{.events = kWatching, .depth_max = kDepthFromWatching};
  EXPECT_TRUE(walk.go(start.session, start.observer, 0));
  EXPECT_GT(walk.watched, kWatchedMin);
}

}  // namespace
}  // namespace hpp::watchd
