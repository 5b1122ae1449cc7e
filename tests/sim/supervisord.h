// supervisord: the real core::Backend in a shell like supervisord/daemon.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "common/event_runner.h"
#include "supervisord/core/backend.h"
#include "tests/sim/bus.h"
#include "tests/sim/crash.h"
#include "tests/sim/processes.h"
#include "tests/sim/spares.h"
#include "tests/sim/world.h"

namespace hpp::sim {

class Supervisord final : public Mortal {
 public:
  Supervisord(World& world, Bus& bus, Processes& processes);

  void start() override;
  void die() override;

  bool is_alive() const override { return backend_.has_value(); }

  // Called when it is published that a start has succeeded or failed.
  std::function<void()> on_outcome = [] {};

  // Simulates SIGHUP.
  void restart_backend() {
    if (!backend_) return;
    spares_.on_restart_requested();
    post(supervisord::RestartRequested{});
  }

  // Simulates SIGUSR1 and SIGUSR2.
  void pause() {
    if (backend_) post(supervisord::PauseRequested{});
  }

  void resume() {
    if (backend_) post(supervisord::ResumeRequested{});
  }

  // Simulates SIGRTMIN.
  void toggle_pause() {
    if (backend_) post(supervisord::PauseToggled{});
  }

  const bus::BackendState& told() const { return told_; }

 private:
  void post(supervisord::Event event) { events_.post(std::move(event)); }

  void dispatch(const supervisord::Event& event);
  std::optional<bus::BackendState> take_over();
  void check_released(std::uint64_t generation);
  void follow(const bus::ProxyState& proxy);
  void forget_requests(bus::BackendState& last) const;
  void exited(const Process& process, ExitStatus status);

  void perform(const supervisord::Spawn& effect);

  void perform(const supervisord::RunStep&) {}  // there are no steps

  void perform(const supervisord::KillTree&);
  void perform(const supervisord::AwaitAnnouncement& effect);
  void perform(const supervisord::StartProbe& effect);
  void perform(const supervisord::StopProbe&);
  void perform(const supervisord::Publish& effect);
  void perform(const supervisord::Say& effect);
  void perform(const supervisord::StartTimer& effect);
  void perform(const supervisord::Leave&);

  supervisord::Event spawn(std::uint64_t generation);
  void announce();
  void probe();

  World& world_;
  Bus& bus_;
  Processes& processes_;
  std::optional<supervisord::Backend> backend_;
  EventRunner<supervisord::Event> events_{
      [this](const supervisord::Event& event) { dispatch(event); }};
  Spares spares_{world_, [this](supervisord::SpareFailed event) { post(std::move(event)); }};
  std::uint64_t incarnation_ = 0;
  std::uint64_t awaited_ = 0;  // generation whose announcement is awaited; 0: none
  std::uint64_t probed_ = 0;   // generation that is probed; 0: none
  std::uint64_t timer_ = 0;    // number of the newest timer; only this one may expire
  Process* child_ = nullptr;   // the backend, spawned or taken over
  bus::BackendState told_;     // last published snapshot
  // The newest requests of browsers that a snapshot has accepted, of any supervisord.
  bus::Ticket restart_accepted_;
  bus::Ticket pause_accepted_;
};

}  // namespace hpp::sim
