#include "tests/sim/watchman.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "watchd/watchman/core/bser.h"

namespace hpp::sim {
namespace {

using Json = nlohmann::json;

}  // namespace

// ---- the files ----------------------------------------------------------------------------------

void Watchman::on_change() {
  const std::uint64_t instance = instance_;
  world_.after(world_.random.up_to(1ms), [this, instance, tick = files_.tick()] {
    if (instance != instance_ || !is_up_) return;
    while_awake([this, tick] {
      notice(tick);
      settle_soon();
    });
  });
}

void Watchman::notice(std::uint64_t tick) {
  noticed_ = std::max(noticed_, tick);
}

// Any change of any file starts the 20 ms again.
void Watchman::settle_soon() {
  world_.after(kSettle, [this, settling = ++settling_] {
    if (settling != settling_ || !is_up_) return;
    // Like Watchman's defer_vcs. The end of the lock is a change, too, so this function runs again.
    while_awake([this] {
      if (!files_.git_lock() || world_.traits.lock_is_hidden) push_pending();
    });
  });
}

void Watchman::push_pending() {
  if (!is_subscribed_ || !is_connected_) return;
  Json files = files_since(told_);
  told_ = tick_of_answer(told_);
  if (told_ < noticed_) settle_soon();
  if (files.empty()) return;
  answer({{"version", "4.9.0"},
          {"unilateral", true},
          {"subscription", "hpp"},
          {"root", "/p"},
          {"clock", clock_at(told_)},
          {"is_fresh_instance", false},
          {"files", std::move(files)}});
}

std::string Watchman::clock_at(std::uint64_t tick) const {
  return fmt::format("c:{}:{}", instance_, tick);
}

// The tick in an answer's clock. Watchman reads its clock before it looks for changes since
// `since`, so the clock may be older than the newest change in the answer.
std::uint64_t Watchman::tick_of_answer(std::uint64_t since) {
  if (since >= noticed_ || !world_.random.chance(world_.traits.early_clocks)) return noticed_;
  return since + world_.random.below(noticed_ - since);
}

nlohmann::json Watchman::files_since(std::uint64_t tick) const {
  const std::uint64_t version = files_.version_at(noticed_);
  if (version <= tick) return Json::array();
  return Json::array(
      {{{"name", fmt::format("src/tick{}.py", version)}, {"oclock", clock_at(version)}}});
}

// ---- the conversation ---------------------------------------------------------------------------

bool Watchman::connect() {
  ++connection_;
  is_connected_ = is_up_;
  is_subscribed_ = false;
  to_watchd_ = from_watchd_ = world_.now();
  return is_up_;
}

void Watchman::disconnect() {
  ++connection_;
  is_connected_ = false;
}

void Watchman::send(const std::string& pdu) {
  if (!is_connected_) return;
  from_watchd_ = std::max(from_watchd_, world_.now() + a_moment(world_));
  world_.at(from_watchd_, [this, pdu, connection = connection_] {
    if (connection != connection_) return;
    while_awake([this, pdu, connection] {
      if (connection == connection_) handle(*watchd::watchman::bser::decode(pdu));
    });
  });
}

// Runs `act` now, or after the current hang.
void Watchman::while_awake(std::function<void()> act) {
  if (world_.now() >= awake_at_) return act();
  world_.at(awake_at_, [this, act = std::move(act)]() mutable { while_awake(std::move(act)); });
}

void Watchman::answer(const Json& json) {
  if (!is_connected_) return;
  to_watchd_ = std::max(to_watchd_, world_.now() + a_moment(world_));
  world_.at(to_watchd_,
            [this, pdu = watchd::watchman::bser::encode(json), connection = connection_] {
              if (connection == connection_) on_pdu(pdu);
            });
}

void Watchman::handle(const Json& question) {
  const std::string command = question[0];
  if (world_.traces()) world_.trace("watchman: is asked {}", question.dump());
  if (command == "flush-subscriptions") {
    const bool is_late = !world_.is_quiet && world_.random.chance(world_.traits.late_flushes);
    const Micros takes =
        is_late ? world_.random.between(20ms, 300ms) : world_.random.between(100us, 1200us);
    world_.after(takes, [this, question, tick = files_.tick(), connection = connection_] {
      while_awake([=, this] {
        if (connection == connection_) flush(question, tick);
      });
    });
    return;
  }
  if (command == "watch-project") {
    const bool is_first = !std::exchange(is_crawled_, true);
    const Micros takes =
        is_first && world_.traits.has_slow_crawl ? world_.random.up_to(2500ms) : Micros{0};
    world_.after(takes, [this, connection = connection_] {
      if (connection == connection_) answer({{"version", "4.9.0"}, {"watch", "/p"}});
    });
    return;
  }
  const bool has_cookie = question[2].is_object() && question[2].value("sync_timeout", 0) > 0;
  if (has_cookie && world_.traits.has_outages && !world_.is_quiet && world_.random.chance(0.1)) {
    return answer({{"version", "4.9.0"}, {"error", "synchronization failed: timed out"}});
  }
  if (has_cookie) notice(files_.tick());
  if (command == "clock") return answer({{"version", "4.9.0"}, {"clock", clock_at(noticed_)}});
  if (command == "query" && !question[2].contains("since")) {  // for symbolic links
    return answer({{"version", "4.9.0"}, {"clock", clock_at(noticed_)}, {"files", Json::array()}});
  }
  std::uint64_t instance = 0;
  std::uint64_t since = 0;
  const std::string asked = question[command == "query" ? 2 : 3]["since"];
  if (std::sscanf(asked.c_str(), "c:%lu:%lu", &instance, &since) != 2) {
    return answer({{"version", "4.9.0"}, {"error", "invalid clockspec"}});  // the standby's clock
  }
  const bool is_fresh = instance != instance_;
  if (command == "query") {
    return answer({{"version", "4.9.0"},
                   {"clock", clock_at(is_fresh ? noticed_ : tick_of_answer(since))},
                   {"is_fresh_instance", is_fresh},
                   {"files", is_fresh ? Json::array() : files_since(since)}});
  }
  is_subscribed_ = true;
  told_ = is_fresh ? 0 : since;
  answer({{"version", "4.9.0"}, {"subscribe", "hpp"}, {"clock", clock_at(noticed_)}});
  settle_soon();
}

// Reports all saves before the question, then answers. The report may contain a part of a checkout.
void Watchman::flush(const Json& question, std::uint64_t tick) {
  if (!world_.is_quiet && world_.random.chance(world_.traits.flush_errors)) {
    return answer({{"version", "4.9.0"}, {"error", "sync_timeout expired"}});
  }
  notice(tick);
  push_pending();
  answer({{"version", "4.9.0"},
          {"synced", question[2]["subscriptions"]},
          {"no_sync_needed", Json::array()},
          {"dropped", Json::array()}});
}

// ---- faults -------------------------------------------------------------------------------------

void Watchman::break_connection(const char* why) {
  if (!std::exchange(is_connected_, false)) return;
  world_.trace("watchman: {}", why);
  world_.after(a_moment(world_), [this, why, connection = ++connection_] {
    if (connection == connection_) on_end(why);
  });
}

void Watchman::restart(Micros down_for) {
  if (!is_up_) return;
  world_.trace("watchman: dies, is back in {} us", down_for.count());
  is_up_ = false;
  ++instance_;
  break_connection("the connection ends");
  world_.after(down_for, [this] {
    is_up_ = true;
    notice(files_.tick());
    world_.trace("watchman: is back");
  });
}

void Watchman::hang(Micros how_long) {
  world_.trace("watchman: hangs for {} us", how_long.count());
  awake_at_ = std::max(awake_at_, world_.now() + how_long);
}

void Watchman::cancel() {
  if (!is_subscribed_ || !is_connected_) return;
  world_.trace("watchman: cancels the subscription");
  is_subscribed_ = false;
  answer({{"version", "4.9.0"}, {"unilateral", true}, {"subscription", "hpp"}, {"canceled", true}});
}

}  // namespace hpp::sim
