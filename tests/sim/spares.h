// The real core::Spare in a shell like supervisord/spare_keeper.cc, and the spares' processes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisord/core/spare.h"
#include "tests/sim/world.h"

namespace hpp::sim {

class Spares {
 public:
  // `on_failed` passes SpareFailed on to the backend's core.
  Spares(World& world, std::function<void(supervisord::SpareFailed)> on_failed)
      : world_(world), on_failed_(std::move(on_failed)) {}

  // A supervisord begins. `has_server` says that it has taken over the backend.
  void begin(bool has_server);

  // supervisord was killed. The spare reads the end of file at its gate, and ends.
  void die();

  void on_published(const bus::BackendState& snapshot, supervisord::Backend::State state);
  void on_restart_requested();

  // The backend's first process has ended.
  void on_server_end();

  // Returns whether the generation starts warm.
  bool start(std::uint64_t generation);

 private:
  void dispatch(const supervisord::spare::Event& event);
  void say(supervisord::spare::Of of, const std::string& text);
  void load();
  void go_on();
  void begin_program();
  void introduce();

  // Plans `happens`, unless supervisord, or the process that this is about, has ended by then.
  void after(Micros delay, std::function<void()> happens);

  void perform(const supervisord::spare::StartSpare&);
  void perform(const supervisord::spare::Inspect&);
  void perform(const supervisord::spare::Compare&);
  void perform(const supervisord::spare::Discard&);
  void perform(const supervisord::spare::Promote&);
  void perform(const supervisord::spare::StartCold& effect);
  void perform(const supervisord::spare::Remember& effect);
  void perform(const supervisord::SpareFailed& effect);
  void perform(const supervisord::Say& effect);
  void perform(const supervisord::StartTimer& effect);

  World& world_;
  std::function<void(supervisord::SpareFailed)> on_failed_;
  std::optional<supervisord::Spare> core_;
  std::vector<std::string> lines_;  // on disk (Remember)
  bool lives_ = false;              // there is a spare, and the core has not discarded it
  bool is_ready_ = false;
  bool is_stale_ = false;  // the server has set a variable too late, before it answered
  supervisord::Backend::State state_ = supervisord::Backend::State::Starting;
  bus::TreePoint seen_;                        // in the newest snapshot
  std::optional<bus::TreePoint> compared_at_;  // what was seen when the spare compared its files
  bool is_warm_ = false;                       // the answer to StartDue
  std::uint64_t server_ = 0;                   // number of the start of the server
  std::uint64_t spare_ = 0;                    // number of the newest spare
  std::uint64_t timer_ = 0;                    // number of the newest timer
  std::uint64_t incarnation_ = 0;
};

}  // namespace hpp::sim
