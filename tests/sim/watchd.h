// watchd: the real Tree and Composition, and either the real Patience and Conversation or the real
// Follower, in a shell like watchd/daemon.cc, watchd/sources.cc, watchd/patient_source.cc,
// watchd/watchman/source.cc and watchd/inotify/source.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "common/event_runner.h"
#include "tests/sim/bus.h"
#include "tests/sim/crash.h"
#include "tests/sim/files.h"
#include "tests/sim/idle_reports.h"
#include "tests/sim/inotify.h"
#include "tests/sim/standby.h"
#include "tests/sim/watchman.h"
#include "tests/sim/world.h"
#include "watchd/core/composition.h"
#include "watchd/core/patience.h"
#include "watchd/core/tree.h"
#include "watchd/inotify/core/follower.h"
#include "watchd/watchman/core/conversation.h"

namespace hpp::sim {

class Watchd final : public Mortal {
 public:
  Watchd(World& world, Bus& bus, Files& files, Watchman& watchman, IdleReports& idle_reports);

  void start() override;
  void die() override;

  bool is_alive() const override { return tree_.has_value(); }

  bool is_watching() const;

  // The newest save in a published tree with that clock; 0: none.
  std::uint64_t tick_of(const std::string& clock) const;

 private:
  // An event for one of the cores: Tree, Composition, Patience, Conversation or Follower.
  using Next = std::variant<watchd::Event, watchd::CompositionEvent, watchd::PatienceEvent,
                            watchd::watchman::Event, watchd::inotify::Event>;

  void take(Next event) { events_.post(std::move(event)); }

  void dispatch(const watchd::Event& event);
  void dispatch(const watchd::CompositionEvent& event);
  void dispatch(const watchd::PatienceEvent& event);
  void dispatch(const watchd::watchman::Event& event);
  void dispatch(const watchd::inotify::Event& event);

  // `timer` is the number of the core's newest timer; only this one may expire.
  template <class Event, class Effects>
  void perform_all(const Effects& effects, std::uint64_t& timer);

  void perform(const watchd::watchman::FindSocket&);
  void perform(const watchd::watchman::Connect&);
  void perform(const watchd::watchman::Send& effect);
  void perform(const watchd::watchman::Disconnect&);
  void perform(const watchd::watchman::LookAtRoot&);
  void perform(const watchd::Look&);

  void perform(const watchd::AskGit&) {}  // never happens without --gitignore

  void perform(const watchd::Publish& effect);
  void perform(const watchd::Say& effect);

  // Orders of Tree, and those of Composition for the only part.
  void perform(const watchd::Watch& order) { take(watchd::CompositionEvent(order)); }

  void perform(const watchd::Unwatch& order) { take(watchd::CompositionEvent(order)); }

  void perform(const watchd::Sync& order) { take(watchd::CompositionEvent(order)); }

  void perform(const watchd::ToPart& effect);

  // Effects of Follower.
  template <class E>
  requires std::is_constructible_v<watchd::inotify::Effect, E> &&
      (!std::is_constructible_v<watchd::Report, E>)void perform(const E& effect);

  // Orders of Patience.
  void perform(const watchd::ToFirst& effect) {
    std::visit([this](const auto& order) { take(watchd::watchman::Event(order)); }, effect.order);
  }

  void perform(const watchd::ToStandby& effect) { standby_.take(effect.order); }

  void perform(const watchd::FollowLinks&) {}  // there are no links

  void perform(const watchd::LookAtPart&) {}  // there is one part

  void perform(const watchd::AddPart&) {}

  void perform(const watchd::TakeNextSource&) {}  // Watchman is never lost for good

  void perform(const watchd::RetirePart&) {}

  // Reports of Composition. perform_all() passes those of the sources to Patience and Composition.
  template <class Report>
  void perform(const Report& report) {
    take(watchd::Event(report));
  }

  void read_queue_soon();
  void offer_rest_soon();

  void check_whole(const bus::TreeState& tree);
  void check_counts_once(const bus::TreeState& tree);

  World& world_;
  Bus& bus_;
  Files& files_;
  Watchman& watchman_;
  IdleReports& idle_reports_;
  Standby standby_{world_, files_};
  Inotify inotify_{world_, files_, idle_reports_};
  std::optional<watchd::Tree> tree_;
  std::optional<watchd::Composition> composition_;
  std::optional<watchd::Patience> patience_;
  std::optional<watchd::watchman::Conversation> conversation_;
  std::optional<watchd::inotify::Follower> follower_;
  EventRunner<Next> events_{[this](const Next& next) {
    std::visit([this](const auto& event) { dispatch(event); }, next);
  }};
  std::optional<TimePoint> watches_since_;  // when `watching` was published; nothing: not watching
  std::uint64_t counted_ = 0;               // newest published revision
  std::map<std::string, TimePoint> counted_files_;  // when each file has counted; it is saved once
  TimePoint returned_at_{};                         // when Patience returned to Watchman
  std::uint64_t tree_timer_ = 0;                    // number of Tree's newest timer
  std::uint64_t composition_timer_ = 0;             // number of Composition's newest timer
  std::uint64_t patience_timer_ = 0;                // number of Patience's newest timer
  std::uint64_t conversation_timer_ = 0;            // number of Conversation's newest timer
  std::uint64_t follower_timer_ = 0;                // number of Follower's newest timer
  std::uint64_t search_ = 0;                        // number of the newest FindSocket
  std::uint64_t lives_ = 0;                         // number of deaths
  bool reads_soon_ = false;
  bool offers_soon_ = false;
};

}  // namespace hpp::sim
