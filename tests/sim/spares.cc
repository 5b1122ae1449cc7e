#include "tests/sim/spares.h"

#include <fmt/format.h>

#include <utility>

namespace hpp::sim {

using supervisord::spare::Of;

void Spares::begin(bool has_server) {
  core_.emplace(
      supervisord::Spare::Settings{.is_wanted = world_.traits.has_spares, .language = {}});
  dispatch(supervisord::spare::Begun{has_server ? lines_ : std::vector<std::string>()});
}

void Spares::die() {
  core_.reset();
  lives_ = false;
  ++incarnation_;
  ++spare_;
  ++server_;
}

void Spares::on_published(const bus::BackendState& snapshot, supervisord::Backend::State state) {
  seen_ = snapshot.seen;
  state_ = state;
  if (state == supervisord::Backend::State::Running && is_stale_) {
    world_.violated("a server answers that has set a variable too late");
  }
  if (state != supervisord::Backend::State::Killing) compared_at_.reset();
  dispatch(
      supervisord::spare::BackendSeen{.state = state,
                                      .generation = snapshot.generation,
                                      .seen = snapshot.seen,
                                      .cold = std::chrono::milliseconds(snapshot.start.cold_ms)});
}

void Spares::on_restart_requested() {
  dispatch(supervisord::RestartRequested{});
}

void Spares::on_server_end() {
  dispatch(supervisord::spare::Ended{.of = Of::Server, .how = "exit code 1"});
}

bool Spares::start(std::uint64_t generation) {
  const bool has_changed = world_.random.chance(world_.traits.has_spares ? 0.1 : 0);
  dispatch(
      supervisord::spare::StartDue{.generation = generation, .changed = has_changed ? ".env" : ""});
  return is_warm_;
}

void Spares::dispatch(const supervisord::spare::Event& event) {
  if (!core_) return;
  for (const supervisord::spare::Effect& effect : core_->on(event)) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Spares::say(Of of, const std::string& text) {
  dispatch(supervisord::spare::Line{of, text});
}

void Spares::after(Micros delay, std::function<void()> happens) {
  world_.after(delay, [this, happens = std::move(happens), incarnation = incarnation_] {
    if (incarnation == incarnation_) happens();
  });
}

void Spares::perform(const supervisord::spare::StartSpare&) {
  if (std::exchange(lives_, true)) world_.violated("a spare is started beside another");
  is_ready_ = false;
  ++spare_;
  load();
}

// The spare becomes ready, or does something else, at any moment.
void Spares::load() {
  const auto act = [this](Micros delay, std::function<void()> happens) {
    after(delay, [this, happens = std::move(happens), spare = spare_] {
      if (lives_ && spare == spare_) happens();
    });
  };
  const Micros hello = world_.random.up_to(20ms);
  const Micros ready = hello + world_.random.up_to(world_.random.chance(0.5) ? 5ms : 400ms);
  act(hello, [this] { say(Of::Spare, "hello 1 sim"); });
  if (!world_.random.chance(0.05)) act(ready, [this] { say(Of::Spare, "ready 1 1"); });
  if (world_.is_quiet || !world_.traits.has_backend_faults) return;
  if (world_.random.chance(0.1)) {
    act(world_.random.up_to(800ms),
        [this] { dispatch(supervisord::spare::Ended{.of = Of::Spare, .how = "exit code 1"}); });
  }
  if (world_.random.chance(0.05)) {
    act(world_.random.up_to(800ms), [this] { say(Of::Spare, "go"); });
  }
}

void Spares::perform(const supervisord::spare::Inspect&) {
  is_ready_ = !world_.random.chance(0.03);
  dispatch(supervisord::spare::Inspected{is_ready_ ? "" : "listens on port 1"});
}

void Spares::perform(const supervisord::spare::Compare&) {
  if (!lives_ || !is_ready_) world_.violated("a spare compares files that is not ready");
  compared_at_ = seen_;
}

void Spares::perform(const supervisord::spare::Discard&) {
  if (!std::exchange(lives_, false)) world_.violated("a spare is discarded that does not live");
}

void Spares::perform(const supervisord::spare::Promote&) {
  if (!lives_ || !is_ready_) world_.violated("a spare becomes the backend that is not ready");
  if (compared_at_ != seen_) world_.violated("a gate opens before the files were compared");
  compared_at_.reset();
  is_stale_ = false;
  lives_ = false;
  is_warm_ = true;
  ++server_;
  go_on();
}

// The process whose gate was opened goes on, refuses, ends or hangs.
void Spares::go_on() {
  const auto what = world_.is_quiet ? 0 : world_.random.below(10);
  after(world_.random.up_to(3ms), [this, what, server = server_] {
    if (server != server_) return;
    if (what < 7) return begin_program();
    if (what == 7) return say(Of::Server, "cold /lib/a.py");
    if (what == 8) dispatch(supervisord::spare::Closed{Of::Server});
  });
}

// The program may set a variable that the spare has read, at any moment before or after it answers.
void Spares::begin_program() {
  say(Of::Server, "go");
  if (world_.is_quiet || !world_.random.chance(0.2)) return;
  after(world_.random.up_to(60ms), [this, server = server_] {
    if (server != server_) return;
    is_stale_ = state_ == supervisord::Backend::State::Loading;
    say(Of::Server, fmt::format("variable {}", world_.random.below(4)));
  });
}

void Spares::perform(const supervisord::spare::StartCold& effect) {
  is_stale_ = false;
  if (lives_) world_.violated("a spare outlives a cold start");
  is_warm_ = false;
  ++server_;
  if (!effect.records) return;
  lines_.clear();
  introduce();
}

void Spares::introduce() {
  if (world_.random.chance(0.05)) return;
  after(world_.random.up_to(20ms), [this, server = server_] {
    if (server == server_) say(Of::Server, "hello 1 sim");
  });
}

void Spares::perform(const supervisord::spare::Remember& effect) {
  if (effect.is_hello) lines_.clear();
  lines_.push_back(effect.line);
}

void Spares::perform(const supervisord::SpareFailed& effect) {
  on_failed_(effect);
}

void Spares::perform(const supervisord::Say& effect) {
  world_.trace("supervisord: {}", effect.text);
}

void Spares::perform(const supervisord::StartTimer& effect) {
  after(effect.after, [this, number = ++timer_] {
    if (number == timer_) dispatch(supervisord::spare::TimerExpired{});
  });
}

}  // namespace hpp::sim
