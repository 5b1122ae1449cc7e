#include "tests/sim/supervisord.h"

#include <utility>

namespace hpp::sim {

Supervisord::Supervisord(World& world, Bus& bus, Processes& processes)
    : world_(world), bus_(bus), processes_(processes) {
  processes_.on_exit = [this](Process& process, bool by_signal) {
    if (child_ == &process) exited(process, {by_signal, by_signal ? 9 : 1});
  };
  processes_.on_listen = [this](Process& process) {
    if (child_ == &process && probed_ == process.generation) probe();
  };
  processes_.on_announce = [this](Process& process) {
    if (child_ == &process && awaited_ == process.generation) announce();
  };
}

void Supervisord::start() {
  world_.trace("supervisord: starts");
  bus_.open(bus::Topic::Backend);
  bus::BackendState previous;
  if (const auto& last = bus_.last(bus::Topic::Backend)) {
    previous = std::get<bus::BackendState>(*last);
  }
  forget_requests(previous);
  backend_.emplace(supervisord::Backend::Settings{.command = {"serve"},
                                                  .has_spares = world_.traits.has_spares,
                                                  .retries = world_.traits.retries,
                                                  .is_announced = world_.traits.is_announced},
                   previous);
  bus_.subscribe(bus::Topic::Backend, bus::Topic::Tree, bus::Audience::Everybody,
                 [this](const bus::Message& message) {
                   auto tree = std::get<bus::TreeState>(message);
                   if (world_.traits.has_agent) tree.changed = {"view.py"};
                   post(supervisord::TreeSeen{std::move(tree)});
                 });
  bus_.subscribe(bus::Topic::Backend, bus::Topic::Proxy, bus::Audience::Everybody,
                 [this](const bus::Message& message) {
                   const auto& proxy = std::get<bus::ProxyState>(message);
                   check_released(proxy.released);
                   post(supervisord::CheckRequested{proxy.liveness_check});
                   if (backend_) follow(proxy);
                 });
  auto last = take_over();
  spares_.begin(last.has_value());
  post(supervisord::Begun{.last = std::move(last)});
}

// Follows the requests of browsers, like supervisord/daemon.cc. Checks that a repetition of a
// request that an earlier snapshot has accepted changes nothing, even after a crash.
void Supervisord::follow(const bus::ProxyState& proxy) {
  if (backend_->is_new_request(proxy.restart)) {
    if (restart_accepted_.covers(proxy.restart)) {
      world_.violated("restart request {} is followed twice", proxy.restart.number);
    }
    spares_.on_restart_requested();
    post(supervisord::RestartRequested{proxy.restart});
  }
  if (!backend_ || proxy.pause.epoch == 0) return;
  const bool is_accepted = pause_accepted_.covers(proxy.pause);
  const bool was_paused = told_.paused;
  if (proxy.pauses) {
    post(supervisord::PauseRequested{proxy.pause});
  } else {
    post(supervisord::ResumeRequested{proxy.pause});
  }
  if (is_accepted && told_.paused != was_paused) {
    world_.violated("pause request {} is followed twice", proxy.pause.number);
  }
}

// With Break::Repetition, a new supervisord does not know which requests of browsers were accepted.
void Supervisord::forget_requests(bus::BackendState& last) const {
  if (world_.broken == Break::Repetition) last.restart_accepted = last.pause_accepted = {};
}

// Checks that proxyd has no connection to a generation that it has released (`released`).
void Supervisord::check_released(std::uint64_t generation) {
  if (!processes_.has_link_until(generation)) return;
  world_.violated("proxyd reports that it has released generation {}, but has a connection to it",
                  generation);
}

void Supervisord::exited(const Process& process, ExitStatus status) {
  spares_.on_server_end();
  post(supervisord::ProcessExited{
      .generation = process.generation, .status = status, .output_tail = ""});
}

// Like supervisord/daemon.cc. The service manager may have lost the backend's pidfd, in one case of
// ten.
std::optional<bus::BackendState> Supervisord::take_over() {
  const auto& written = bus_.last(bus::Topic::Backend);
  if (!written) return std::nullopt;
  auto last = std::get<bus::BackendState>(*written);
  forget_requests(last);
  const bool lived =
      last.state == bus::BackendPhase::Loading || last.state == bus::BackendPhase::Running;
  if (!lived) return last;
  Process* const process = processes_.of_generation(last.generation);
  if (last.pid == 0 || process == nullptr || world_.random.chance(0.1)) return std::nullopt;
  child_ = process;
  if (!process->first_is_alive) {
    world_.after(world_.random.up_to(1ms), [this, process, incarnation = incarnation_] {
      if (incarnation == incarnation_) exited(*process, {.is_known = false});
    });
  }
  return last;
}

void Supervisord::die() {
  world_.trace("supervisord: DIES");
  effects_left_ = 0;
  ++incarnation_;
  backend_.reset();
  spares_.die();
  events_.clear();
  child_ = nullptr;
  awaited_ = probed_ = 0;
  bus_.close(bus::Topic::Backend);
  bus_.unsubscribe(bus::Topic::Backend);
}

void Supervisord::dispatch(const supervisord::Event& event) {
  const auto wall = world_.now().time_since_epoch();
  const supervisord::Now now{
      .steady = world_.now(),
      .wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()};
  for (const supervisord::Effect& effect : backend_->on(event, now)) {
    if (meets_its_end()) return die();
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Supervisord::perform(const supervisord::Spawn& effect) {
  events_.post_next(spawn(effect.generation));
}

supervisord::Event Supervisord::spawn(std::uint64_t generation) {
  awaited_ = probed_ = 0;
  if (world_.traits.has_backend_faults && !world_.is_quiet) {
    if (world_.random.chance(0.01))
      return supervisord::PortTaken{.port = 8001, .by = "pid 1", .pid = 1};
    if (world_.random.chance(0.01)) return supervisord::SpawnFailed{"No such file or directory"};
  }
  const bool is_warm = spares_.start(generation);
  child_ = &processes_.spawn(generation);
  return supervisord::Spawned{
      .pid = static_cast<std::int64_t>(generation), .is_warm = is_warm, .cold_because = {}};
}

void Supervisord::perform(const supervisord::KillTree&) {
  processes_.kill([this, incarnation = incarnation_] {
    if (incarnation != incarnation_) return;
    // TreeGone comes at once if no process was left, otherwise after waitid(2) has returned the
    // last one.
    if (world_.random.chance(0.3)) return post(supervisord::TreeGone{});
    world_.after(world_.random.up_to(3ms), [this, incarnation] {
      if (incarnation == incarnation_) post(supervisord::TreeGone{});
    });
  });
}

// The socket is in the service manager's store, so a message that has come before is not lost.
void Supervisord::perform(const supervisord::AwaitAnnouncement& effect) {
  awaited_ = effect.generation;
  if (child_ != nullptr && child_->has_announced) announce();
}

void Supervisord::announce() {
  world_.after(a_moment(world_), [this, generation = awaited_, incarnation = incarnation_] {
    if (incarnation != incarnation_ || awaited_ != generation) return;
    awaited_ = 0;
    post(supervisord::Announced{generation});
  });
}

void Supervisord::perform(const supervisord::StartProbe& effect) {
  probed_ = effect.generation;
  if (child_ != nullptr && child_->listens) probe();
}

void Supervisord::probe() {
  world_.after(world_.random.between(100us, 5ms),
               [this, process = child_, generation = probed_, incarnation = incarnation_] {
                 if (incarnation != incarnation_ || probed_ != generation || !process->listens)
                   return;
                 post(supervisord::Answered{
                     .generation = generation, .address = "127.0.0.1:8001", .stranger = ""});
               });
}

void Supervisord::perform(const supervisord::StopProbe&) {
  awaited_ = probed_ = 0;
}

void Supervisord::perform(const supervisord::Publish& effect) {
  const auto before = std::exchange(told_, effect.snapshot);
  if (told_.restart_accepted.epoch != 0) restart_accepted_ = told_.restart_accepted;
  if (told_.pause_accepted.epoch != 0) pause_accepted_ = told_.pause_accepted;
  const bool is_outcome =
      told_.state == bus::BackendPhase::Running || told_.state == bus::BackendPhase::Error;
  if (is_outcome && (told_.state != before.state || told_.generation != before.generation)) {
    on_outcome();
  }
  const bool is_early = world_.traits.is_announced && child_ != nullptr && !child_->has_announced;
  if (told_.state == bus::BackendPhase::Running && is_early) {
    world_.violated("generation {} is Running, but has not said that it is ready",
                    told_.generation);
  }
  bus_.publish(bus::Topic::Backend, effect.snapshot);
  spares_.on_published(effect.snapshot, backend_->state());
}

void Supervisord::perform(const supervisord::Say& effect) {
  world_.trace("supervisord: {}", effect.text);
  if (world_.traits.has_agent && world_.traits.is_calm() &&
      effect.text.find("restarts itself") != std::string::npos) {
    world_.violated("an agent's saves count as a restart loop: {}", effect.text);
  }
}

void Supervisord::perform(const supervisord::StartTimer& effect) {
  const std::uint64_t number = ++timer_;
  world_.after(effect.after, [this, number, incarnation = incarnation_] {
    if (incarnation == incarnation_ && number == timer_) post(supervisord::TimerExpired{});
  });
}

void Supervisord::perform(const supervisord::Leave&) {}

}  // namespace hpp::sim
