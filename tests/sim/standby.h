// The standby of Watchman in watchd: a source (watchd/core/source.h) with the timing of inotify. It
// reports each save 20 ms after the newest change, or when a Sync is ordered.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/sim/files.h"
#include "tests/sim/world.h"
#include "watchd/core/source.h"

namespace hpp::sim {

class Standby {
 public:
  Standby(World& world, Files& files);

  // Takes an order of Patience.
  void take(const watchd::Order& order);

  // The process of watchd dies. The kernel's queue survives: a later Watch may continue from it.
  void die() { handle(watchd::Unwatch{}); }

  std::function<void(const watchd::Report& report)> on_report;

 private:
  void handle(const watchd::Watch& order);
  void handle(const watchd::Unwatch&);
  void handle(const watchd::Sync&);

  void on_change();
  void begin(const std::string& since);
  void report_saves();

  // Runs `act` after `delay`, unless the watch has ended by then.
  void after(Micros delay, std::function<void()> act);
  std::string clock() const;

  World& world_;
  Files& files_;
  std::uint64_t watch_ = 0;  // grows when a watch begins or ends
  bool has_begun_ = false;
  std::uint64_t settling_ = 0;  // number of the newest wait for 20 ms without a change
  std::uint64_t told_ = 0;      // newest tick that was reported
};

}  // namespace hpp::sim
