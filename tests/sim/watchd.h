// watchd: the real core::Session in a shell as watchd/daemon.cc is.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/event_runner.h"
#include "tests/sim/bus.h"
#include "tests/sim/crash.h"
#include "tests/sim/files.h"
#include "tests/sim/watchman.h"
#include "tests/sim/world.h"
#include "watchd/core/session.h"

namespace hpp::sim {

class Watchd final : public Mortal {
 public:
  Watchd(World& world, Bus& bus, Files& files, Watchman& watchman);

  void start() override;
  void die() override;

  bool is_alive() const override { return session_.has_value(); }

  bool is_watching() const;

 private:
  void take(watchd::Event event) { events_.post(std::move(event)); }

  void dispatch(const watchd::Event& event);

  void perform(const watchd::FindSocket&);
  void perform(const watchd::Connect&);
  void perform(const watchd::Send& effect);
  void perform(const watchd::Disconnect&);
  void perform(const watchd::StartTimer& effect);
  void perform(const watchd::StopTimer&);
  void perform(const watchd::Look&);

  void perform(const watchd::AskGit&) {}  // nobody is told to

  void perform(const watchd::FollowLinks&) {}  // there are no links

  void perform(const watchd::Publish& effect);
  void perform(const watchd::Say& effect);
  void check_whole(const bus::TreeState& tree);
  void check_counts_once(const bus::TreeState& tree);

  World& world_;
  Bus& bus_;
  Files& files_;
  Watchman& watchman_;
  std::optional<watchd::Session> session_;
  EventRunner<watchd::Event> events_{[this](const watchd::Event& event) { dispatch(event); }};
  std::optional<TimePoint> watches_since_;
  std::uint64_t counted_ = 0;            // the newest revision
  std::set<std::string> counted_files_;  // of which each is saved once
  std::uint64_t timer_ = 0;
  std::uint64_t search_ = 0;
};

// The tick of a clock that the fake Watchman has told; 0 for none.
std::uint64_t tick_of(const std::string& clock);

}  // namespace hpp::sim
