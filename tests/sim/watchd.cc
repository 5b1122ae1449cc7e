#include "tests/sim/watchd.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace hpp::sim {

std::uint64_t tick_of(const std::string& clock) {
  std::uint64_t instance = 0;
  std::uint64_t tick = 0;
  std::sscanf(clock.c_str(), "c:%lu:%lu", &instance, &tick);
  return tick;
}

Watchd::Watchd(World& world, Bus& bus, Files& files, Watchman& watchman)
    : world_(world), bus_(bus), files_(files), watchman_(watchman) {
  watchman_.on_pdu = [this](const std::string& pdu) {
    if (session_) take(watchd::PduArrived{pdu});
  };
  watchman_.on_end = [this](const char* why) {
    if (session_) take(watchd::Disconnected{why});
  };
}

void Watchd::start() {
  world_.trace("watchd: starts");
  bus_.open(bus::Topic::Tree);
  watchd::Session::Settings settings{.directory = "/p", .filter = {}, .resumed = {}};
  if (const auto& last = bus_.last(bus::Topic::Tree)) {
    settings.resumed = std::get<bus::TreeState>(*last);
  }
  session_.emplace(std::move(settings));
  bus_.subscribe(bus::Topic::Tree, bus::Topic::Proxy, [this](const bus::Message& message) {
    take(watchd::TicketSeen{std::get<bus::ProxyState>(message).asks});
  });
  take(watchd::Started{});
}

void Watchd::die() {
  world_.trace("watchd: DIES");
  effects_left_ = 0;
  session_.reset();
  watches_since_.reset();
  events_.clear();
  ++timer_;
  ++search_;
  watchman_.disconnect();
  bus_.close(bus::Topic::Tree);
  bus_.unsubscribe(bus::Topic::Tree);
}

bool Watchd::is_watching() const {
  return session_ && session_->state() == watchd::Session::State::Watching;
}

void Watchd::dispatch(const watchd::Event& event) {
  for (const watchd::Effect& effect : session_->on(event, world_.now())) {
    if (meets_its_end()) return die();
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Watchd::perform(const watchd::FindSocket&) {
  const bool is_found = watchman_.is_up() || world_.random.chance(0.5);
  world_.after(world_.random.between(1ms, 10ms), [this, is_found, search = ++search_] {
    if (search != search_) return;
    if (is_found) return take(watchd::SocketFound{"/watchman.sock"});
    take(watchd::SocketNotFound{"watchman does not start"});
  });
}

void Watchd::perform(const watchd::Connect&) {
  if (watchman_.connect()) return take(watchd::Connected{});
  take(watchd::Disconnected{"cannot connect to Watchman"});
}

void Watchd::perform(const watchd::Send& effect) {
  watchman_.send(effect.bytes);
}

void Watchd::perform(const watchd::Disconnect&) {
  ++search_;
  watchman_.disconnect();
}

void Watchd::perform(const watchd::StartTimer& effect) {
  world_.after(effect.delay, [this, timer = ++timer_] {
    if (timer == timer_) take(watchd::TimerExpired{});
  });
}

void Watchd::perform(const watchd::StopTimer&) {
  ++timer_;
}

void Watchd::perform(const watchd::Look&) {
  watchd::Looked looked{.folder = "/p", .root = "/p", .locks = {}, .repositories = {}};
  if (files_.git_lock()) looked.locks.push_back(*files_.git_lock());
  take(std::move(looked));
}

void Watchd::perform(const watchd::Publish& effect) {
  check_whole(effect.tree);
  check_counts_once(effect.tree);
  bus_.publish(bus::Topic::Tree, effect.tree);
}

void Watchd::perform(const watchd::Say& effect) {
  world_.trace("watchd: {}", effect.text);
}

// However often Watchman tells of a save.
void Watchd::check_counts_once(const bus::TreeState& tree) {
  if (tree.revision == std::exchange(counted_, tree.revision)) return;
  for (const std::string& file : tree.changed) {
    if (!counted_files_.insert(file).second) world_.violated("{} has counted twice", file);
  }
}

// What git has half written is not told while it goes on: else the backend would be started from
// it. That a backend is started for another reason, or because of an older save, while git writes
// cannot be helped. Nor does it hold of a watchd that begins to watch, for the first time or again,
// while git writes: what has changed until then counts at once, and the rest when git is done.
void Watchd::check_whole(const bus::TreeState& tree) {
  if (!tree.watching) {
    watches_since_.reset();
  } else if (!watches_since_) {
    watches_since_ = world_.now();
  }
  const bool applies = watches_since_ && files_.git_lock() && files_.is_mixed() &&
                       *watches_since_ < files_.locked_at();
  if (!applies || tick_of(tree.clock) <= files_.tick_at_lock()) return;
  world_.violated("watchd tells of tick {}, while git, which began after tick {}, still writes",
                  tick_of(tree.clock), files_.tick_at_lock());
}

}  // namespace hpp::sim
