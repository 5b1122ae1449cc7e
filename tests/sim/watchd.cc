#include "tests/sim/watchd.h"

#include <algorithm>
#include <cstdio>
#include <type_traits>
#include <utility>

namespace hpp::sim {

namespace inotify = watchd::inotify;
namespace watchman = watchd::watchman;

namespace {

// After the return to Watchman, Watchman may repeat saves that were counted at most this long
// before the return: its 20 ms, and the time of a flush.
constexpr Micros kReturnWindow = 100ms;

}  // namespace

std::uint64_t Watchd::tick_of(const std::string& clock) const {
  if (world_.traits.is_inotify) return inotify_.tick_of(clock);
  std::uint64_t instance = 0;
  std::uint64_t tick = 0;
  std::sscanf(clock.c_str(), "%*[ci]:%lu:%lu", &instance, &tick);
  return tick;
}

Watchd::Watchd(World& world, Bus& bus, Files& files, Watchman& watchman, IdleReports& idle_reports)
    : world_(world), bus_(bus), files_(files), watchman_(watchman), idle_reports_(idle_reports) {
  watchman_.on_pdu = [this](const std::string& pdu) {
    if (tree_) take(watchman::PduArrived{pdu});
  };
  watchman_.on_end = [this](const char* why) {
    if (tree_) take(watchman::Disconnected{why});
  };
  standby_.on_report = [this](const watchd::Report& report) { take(watchd::FromStandby{report}); };
  inotify_.on_event = [this] { read_queue_soon(); };
}

void Watchd::start() {
  world_.trace("watchd: starts");
  idle_reports_.start_watchd();
  bus_.open(bus::Topic::Tree);
  std::optional<bus::TreeState> resumed;
  if (const auto& last = bus_.last(bus::Topic::Tree)) resumed = std::get<bus::TreeState>(*last);
  conversation_.emplace(watchman::Conversation::Settings{.directory = "/p", .filter = {}});
  patience_.emplace("Watchman", "using the standby");
  follower_.emplace(
      inotify::Follower::Settings{.filter = {.patterns = {Inotify::kPattern}}, .ignored = {}});
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
  follower_.reset();
  reads_soon_ = offers_soon_ = false;
  ++lives_;
  watches_since_.reset();
  events_.clear();
  ++tree_timer_;
  ++composition_timer_;
  ++patience_timer_;
  ++conversation_timer_;
  ++follower_timer_;
  ++search_;
  watchman_.disconnect();
  standby_.die();
  inotify_.die();
  idle_reports_.end_watchd();
  bus_.close(bus::Topic::Tree);
  bus_.unsubscribe(bus::Topic::Tree);
}

bool Watchd::is_watching() const {
  return tree_ && tree_->state() == watchd::Tree::State::Watching;
}

void Watchd::dispatch(const watchd::Event& event) {
  perform_all<watchd::Event>(tree_->on(event, world_.now()), tree_timer_);
  offer_rest_soon();
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

void Watchd::dispatch(const inotify::Event& event) {
  perform_all<inotify::Event>(follower_->on(event, world_.now()), follower_timer_);
  read_queue_soon();
  offer_rest_soon();
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
    } else if constexpr (std::is_same_v<Event, inotify::Event> &&
                         std::is_constructible_v<watchd::Report, E>) {
      if constexpr (std::is_same_v<E, watchd::Began> || std::is_same_v<E, watchd::Changed>) {
        inotify_.note_report(effect.clock);
      }
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

void Watchd::perform(const watchd::ToPart& effect) {
  const auto pass_on = [this](const auto& order) {
    if (world_.traits.is_inotify) return take(inotify::Event(order));
    take(watchd::PatienceEvent(order));
  };
  std::visit(pass_on, effect.order);
}

// There are neither links nor so many directories that they would be read in several turns.
template <class E>

requires std::is_constructible_v<inotify::Effect, E> &&
    (!std::is_constructible_v<watchd::Report, E>)void Watchd::perform(const E& effect) {
  if constexpr (std::is_same_v<E, inotify::OpenQueue> ||
                std::is_same_v<E, inotify::OpenDirectory> ||
                std::is_same_v<E, inotify::ReadQueue> || std::is_same_v<E, inotify::Examine>) {
    events_.post_next(inotify_.perform(effect));
  } else if constexpr (std::is_same_v<E, inotify::FindLinks>) {
    events_.post_next(inotify::Event(inotify::LinksFound{}));
  } else if constexpr (std::is_same_v<E, inotify::CloseQueue> ||
                       std::is_same_v<E, inotify::KeepPosition>) {
    inotify_.perform(effect);
  }
}

// The loop reports again and again that the queue is readable.
void Watchd::read_queue_soon() {
  if (!tree_ || !inotify_.is_readable() || std::exchange(reads_soon_, true)) return;
  world_.after(a_moment(world_), [this, life = lives_] {
    if (life != lives_) return;
    reads_soon_ = false;
    if (inotify_.is_readable()) take(inotify::Event(inotify::QueueReadable{}));
  });
}

// At the end of the turn.
void Watchd::offer_rest_soon() {
  if (!tree_ || !world_.traits.is_inotify || std::exchange(offers_soon_, true)) return;
  world_.after(Micros{0}, [this, life = lives_] {
    if (life != lives_) return;
    offers_soon_ = false;
    if (!tree_->is_idle() || !composition_->is_idle() || !follower_->is_idle()) return;
    if (meets_its_end()) return die();
    const bus::Stamp& stamp = bus::stamp_of(*bus_.last(bus::Topic::Tree));
    idle_reports_.report({.epoch = stamp.epoch, .sequence = stamp.sequence}, inotify_.queue());
  });
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
