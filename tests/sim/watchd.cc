#include "tests/sim/watchd.h"

#include <algorithm>
#include <cstdio>
#include <type_traits>
#include <utility>

namespace hpp::sim {

namespace watchman = watchd::watchman;

namespace {

// After the return to Watchman, Watchman may repeat saves that were counted at most this long
// before the return: its 20 ms, and the time of a flush.
constexpr Micros kReturnWindow = 100ms;

}  // namespace

std::uint64_t tick_of(const std::string& clock) {
  std::uint64_t instance = 0;
  std::uint64_t tick = 0;
  std::sscanf(clock.c_str(), "%*[ci]:%lu:%lu", &instance, &tick);
  return tick;
}

Watchd::Watchd(World& world, Bus& bus, Files& files, Watchman& watchman)
    : world_(world), bus_(bus), files_(files), watchman_(watchman) {
  watchman_.on_pdu = [this](const std::string& pdu) {
    if (tree_) take(watchman::PduArrived{pdu});
  };
  watchman_.on_end = [this](const char* why) {
    if (tree_) take(watchman::Disconnected{why});
  };
  standby_.on_report = [this](const watchd::Report& report) { take(watchd::FromStandby{report}); };
}

void Watchd::start() {
  world_.trace("watchd: starts");
  bus_.open(bus::Topic::Tree);
  std::optional<bus::TreeState> resumed;
  if (const auto& last = bus_.last(bus::Topic::Tree)) resumed = std::get<bus::TreeState>(*last);
  conversation_.emplace(watchman::Conversation::Settings{.directory = "/p", .filter = {}});
  patience_.emplace("Watchman", "using the standby");
  composition_.emplace("/p", std::vector<std::string>{""}, watchd::Filter{});
  tree_.emplace(
      watchd::Tree::Settings{.directory = "/p", .filter = {}, .resumed = std::move(resumed)});
  bus_.subscribe(bus::Topic::Tree, bus::Topic::Proxy, bus::Audience::TicketHandlers,
                 [this](const bus::Message& message) {
                   take(watchd::Event(watchd::TicketSeen{std::get<bus::ProxyState>(message).asks}));
                 });
  take(watchd::Event(watchd::Started{}));
}

void Watchd::die() {
  world_.trace("watchd: DIES");
  effects_left_ = 0;
  tree_.reset();
  composition_.reset();
  patience_.reset();
  conversation_.reset();
  watches_since_.reset();
  events_.clear();
  ++tree_timer_;
  ++composition_timer_;
  ++patience_timer_;
  ++conversation_timer_;
  ++search_;
  watchman_.disconnect();
  standby_.die();
  bus_.close(bus::Topic::Tree);
  bus_.unsubscribe(bus::Topic::Tree);
}

bool Watchd::is_watching() const {
  return tree_ && tree_->state() == watchd::Tree::State::Watching;
}

void Watchd::dispatch(const watchd::Event& event) {
  perform_all<watchd::Event>(tree_->on(event, world_.now()), tree_timer_);
}

void Watchd::dispatch(const watchd::CompositionEvent& event) {
  perform_all<watchd::CompositionEvent>(composition_->on(event), composition_timer_);
}

void Watchd::dispatch(const watchd::PatienceEvent& event) {
  const watchd::Patience::State before = patience_->state();
  const auto effects = patience_->on(event);
  if (before == watchd::Patience::State::Both &&
      patience_->state() == watchd::Patience::State::First) {
    returned_at_ = world_.now();
    ++world_.returns;
  }
  perform_all<watchd::PatienceEvent>(effects, patience_timer_);
}

void Watchd::dispatch(const watchman::Event& event) {
  perform_all<watchman::Event>(conversation_->on(event), conversation_timer_);
}

template <class Event, class Effects>
void Watchd::perform_all(const Effects& effects, std::uint64_t& timer) {
  const auto perform_one = [&]<class E>(const E& effect) {
    if constexpr (std::is_same_v<E, watchd::StartTimer>) {
      world_.after(effect.delay, [this, &timer, number = ++timer] {
        if (number == timer) take(Event(watchd::TimerExpired{}));
      });
    } else if constexpr (std::is_same_v<E, watchd::StopTimer>) {
      ++timer;
    } else if constexpr (std::is_same_v<Event, watchman::Event> &&
                         std::is_constructible_v<watchd::Report, E>) {
      take(watchd::PatienceEvent(watchd::FromFirst{effect}));
    } else if constexpr (std::is_same_v<Event, watchd::PatienceEvent> &&
                         std::is_constructible_v<watchd::Report, E>) {
      take(watchd::CompositionEvent(watchd::FromPart{0, effect}));
    } else {
      perform(effect);
    }
  };
  for (const auto& effect : effects) {
    if (meets_its_end()) return die();
    std::visit(perform_one, effect);
  }
}

void Watchd::perform(const watchman::FindSocket&) {
  const bool is_found = watchman_.is_up() || world_.random.chance(0.5);
  world_.after(world_.random.between(1ms, 10ms), [this, is_found, search = ++search_] {
    if (search != search_) return;
    if (is_found) return take(watchman::SocketFound{"/watchman.sock"});
    take(watchman::SocketNotFound{"watchman does not start"});
  });
}

void Watchd::perform(const watchman::Connect&) {
  if (watchman_.connect()) return take(watchman::Connected{});
  take(watchman::Disconnected{"cannot connect to Watchman"});
}

void Watchd::perform(const watchman::Send& effect) {
  watchman_.send(effect.bytes);
}

void Watchd::perform(const watchman::Disconnect&) {
  ++search_;
  watchman_.disconnect();
}

void Watchd::perform(const watchman::LookAtRoot&) {
  take(watchman::RootSeen{"/p"});
}

void Watchd::perform(const watchd::Look&) {
  watchd::Looked looked{.folder = "/p", .locks = {}, .repositories = {}};
  if (files_.git_lock()) looked.locks.push_back(*files_.git_lock());
  take(watchd::Event(std::move(looked)));
}

void Watchd::perform(const watchd::Publish& effect) {
  check_whole(effect.tree);
  check_counts_once(effect.tree);
  bus_.publish(bus::Topic::Tree, effect.tree);
}

void Watchd::perform(const watchd::Say& effect) {
  world_.trace("watchd: {}", effect.text);
}

// A save counts once, even if Watchman reports it several times. Saves shortly before the return to
// Watchman are the exception: the standby has reported them, and Watchman may report them again
// after the return.
void Watchd::check_counts_once(const bus::TreeState& tree) {
  if (tree.revision == std::exchange(counted_, tree.revision)) return;
  for (const std::string& file : tree.changed) {
    const auto [counted, is_new] = counted_files_.emplace(file, world_.now());
    const bool is_new_to_watchman =
        counted->second <= returned_at_ && counted->second > returned_at_ - kReturnWindow;
    if (!is_new && !is_new_to_watchman) world_.violated("{} has counted twice", file);
  }
}

// Checks that watchd publishes no part of a checkout while git writes, because the backend would be
// started from that part. (A backend may still be started meanwhile for another reason, or because
// of an older save.) The rule does not apply if watchd begins to watch while git writes: then the
// changes until that moment count at once, and the others when git is done.
void Watchd::check_whole(const bus::TreeState& tree) {
  if (!tree.watching) {
    watches_since_.reset();
  } else if (!watches_since_) {
    watches_since_ = world_.now();
  }
  const bool applies = watches_since_ && files_.git_lock() && files_.is_mixed() &&
                       *watches_since_ < files_.locked_at();
  if (!applies || tick_of(tree.clock) <= files_.tick_at_lock()) return;
  world_.violated("watchd publishes tick {} while git, which began after tick {}, still writes",
                  tick_of(tree.clock), files_.tick_at_lock());
}

}  // namespace hpp::sim
