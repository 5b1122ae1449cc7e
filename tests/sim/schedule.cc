#include "tests/sim/schedule.h"

#include <memory>
#include <vector>

#include "tests/sim/bus.h"
#include "tests/sim/client.h"
#include "tests/sim/files.h"
#include "tests/sim/idle_reports.h"
#include "tests/sim/processes.h"
#include "tests/sim/proxyd.h"
#include "tests/sim/supervisord.h"
#include "tests/sim/watchd.h"
#include "tests/sim/watchman.h"

namespace hpp::sim {
namespace {

// In a quiet world, everything must have ended after kRest: the longest retries, a repetition on
// the bus, a boot, a client that waits. After a schedule of 14 s, a repetition may be 16 s away
// (common/bus/author.h). The last request must be answered within kLastAnswer.
constexpr Micros kRest = 5s;
constexpr Micros kLongRest = 16s;
constexpr Micros kLastAnswer = 1500ms;

class Schedule {
 public:
  Schedule(std::uint64_t seed, Break broken, World::Sink sink)
      : world_(seed, broken, std::move(sink)) {
    draw_traits();
    world_.traits.has_spares = seed % 4 == 3;
    if (seed % 7 == 5) world_.traits.retries = 3;
    world_.traits.is_announced = seed % 7 == 4;
    world_.traits.is_inotify = seed % 3 == 1;
    world_.traits.has_pauses = seed % 5 == 3;
    world_.traits.has_agent = seed % 11 == 2;
    if (seed % 30 == 1) world_.traits.overflows = 0.1;
    processes_.on_run = [this](Request& request, const Process&) { check_run(request); };
    proxyd_.on_reload = [this] { browser_.on_reload(); };
    if (world_.traits.has_agent) supervisord_.on_outcome = [this] { edit_soon(); };
  }

  void play() {
    begin();
    const TimePoint end = world_.now() + plan();
    world_.run_until(end);
    calm_down();
    const bool rests_long = world_.traits.has_abandoned_lock || world_.traits.has_agent;
    world_.run_until(world_.now() + (rests_long ? kLongRest : kRest));
    check_requests();
    check_last_save();
    ask_once_more();
  }

  const World& world() const { return world_; }

 private:
  void draw_traits();
  void begin();
  Micros plan();
  void plan_save(Micros at);
  void plan_burst(Micros at, int count, Micros width);
  void plan_checkout(Micros at);
  void check_out(int times);
  void plan_outage(Micros at);
  void plan_crash(Micros at);
  void abandon_lock(Micros at);
  void plan_pause(Micros at);
  void plan_restart(Micros at);
  void press_pause(bool begins);
  void edit_soon();
  void hurry_soon();
  void calm_down();
  void check_run(const Request& request);
  void check_requests();
  void check_last_save();
  void ask_once_more();

  World world_;
  Files files_{world_};
  Watchman watchman_{world_, files_};
  Bus bus_{world_};
  Processes processes_{world_, files_};
  IdleReports idle_reports_{world_};
  Watchd watchd_{world_, bus_, files_, watchman_, idle_reports_};
  Supervisord supervisord_{world_, bus_, processes_};
  Proxyd proxyd_{world_, bus_, files_, processes_, idle_reports_};
  Requests requests_;
  std::vector<std::unique_ptr<Client>> clients_;
  Browser browser_{world_, proxyd_, requests_};
};

// ---- events -------------------------------------------------------------------------------------

void Schedule::draw_traits() {
  Random& random = world_.random;
  Traits& traits = world_.traits;
  if (random.chance(0.5)) traits.drop = 0.3 * static_cast<double>(random.below(1000)) / 1000;
  traits.has_outages = random.chance(0.2);
  traits.has_long_outages = traits.has_outages && random.chance(0.3);
  traits.has_crashes = random.chance(0.25);
  traits.has_backend_faults = random.chance(0.6);
  traits.has_abandoned_lock = random.chance(0.01);
  traits.barrier_is_on = !random.chance(0.03);
  if (random.chance(0.03)) traits.queue_limit = random.below(3);
  traits.has_slow_crawl = random.chance(0.03);
  traits.lock_is_hidden = random.chance(0.2);
  if (random.chance(0.2)) traits.late_flushes = 0.4;
  if (random.chance(0.2)) traits.flush_errors = 0.1;
  if (random.chance(0.3)) traits.boot_max = 5ms;
  world_.trace(
      "traits: drop {:.2f}{}{}{}{}{}{}{}{}", traits.drop, traits.has_outages ? ", outages" : "",
      traits.has_long_outages ? ", long outages" : "", traits.has_crashes ? ", crashes" : "",
      traits.has_backend_faults ? ", backend's faults" : "",
      traits.has_abandoned_lock ? ", abandoned lock" : "",
      traits.has_slow_crawl ? ", slow crawl" : "", traits.lock_is_hidden ? ", hidden lock" : "",
      traits.barrier_is_on ? "" : ", barrier off");
}

void Schedule::begin() {
  for (Mortal* const helper : std::initializer_list<Mortal*>{&watchd_, &supervisord_, &proxyd_}) {
    world_.after(world_.random.up_to(30ms), [helper] { helper->start(); });
  }
  for (std::uint64_t count = 1 + world_.random.below(4); count > 0; --count) {
    clients_.push_back(std::make_unique<Client>(world_, proxyd_, requests_));
    world_.after(world_.random.up_to(100ms), [this, client = clients_.back().get()] {
      const int more = world_.traits.has_long_outages ? 12 : 0;
      client->begin(1 + more + static_cast<int>(world_.random.below(8)));
    });
  }
  world_.after(world_.random.up_to(100ms), [this] { browser_.load(); });
}

// Plans all saves and faults. Returns the length of the schedule.
Micros Schedule::plan() {
  Random& random = world_.random;
  const bool is_long =
      world_.traits.has_slow_crawl || world_.traits.has_long_outages || world_.traits.has_agent;
  const Micros length = is_long ? random.between(2500ms, 6s) : random.between(300ms, 1500ms);
  const std::uint64_t more = world_.traits.has_long_outages ? 8 : 0;
  const std::uint64_t saves = world_.traits.has_agent ? 0 : more + random.below(7);
  for (std::uint64_t count = saves; count > 0; --count) {
    plan_save(random.between(20ms, length));
  }
  if (world_.traits.has_outages) {
    for (std::uint64_t count = 1 + random.below(3); count > 0; --count) {
      plan_outage(random.up_to(length));
    }
  }
  if (world_.traits.has_crashes) {
    for (std::uint64_t count = 1 + random.below(3); count > 0; --count) {
      plan_crash(random.between(30ms, length));
    }
  }
  if (random.chance(0.1)) plan_restart(random.up_to(length));
  if (world_.traits.has_pauses) {
    for (std::uint64_t count = 1 + random.below(3); count > 0; --count) {
      plan_pause(random.up_to(length));
    }
    if (random.chance(0.5)) plan_restart(random.up_to(length));
  }
  if (!world_.traits.has_abandoned_lock) return length + 400ms;
  abandon_lock(random.up_to(length));
  return length + 14s;
}

void Schedule::plan_save(Micros at) {
  const std::uint64_t what = world_.random.below(100);
  if (what < 55) return plan_burst(at, 1, 0ms);
  if (what < 65) {
    world_.after(at, [this] { files_.save(/*is_watched=*/false); });
  } else if (what < 75) {
    plan_burst(at, 10, 30ms);
  } else if (what < 80) {
    plan_burst(at, 60, 240ms);
  } else {
    plan_checkout(at);
  }
}

void Schedule::plan_burst(Micros at, int count, Micros width) {
  for (int number = 0; number < count; ++number) {
    world_.after(at + width * number / count, [this] {
      files_.save(/*is_watched=*/true);
      hurry_soon();
    });
  }
}

// A checkout takes the lock, writes many files, and removes the lock. A rebase does so several
// times.
void Schedule::plan_checkout(Micros at) {
  const int times = world_.random.chance(0.2) ? 2 + static_cast<int>(world_.random.below(4)) : 1;
  world_.after(at, [this, times] { check_out(times); });
}

void Schedule::check_out(int times) {
  // git gives up if another git holds the lock.
  if (files_.git_lock() || world_.is_quiet) return;
  Random& random = world_.random;
  files_.lock();
  const Micros width = random.between(5ms, times == 1 ? 200ms : 30ms);
  const int count = 2 + static_cast<int>(random.below(8));
  const Micros before = random.up_to(3ms);
  for (int number = 1; number <= count; ++number) {
    world_.after(before + width * number / count, [this, is_last = number == count] {
      files_.check_out(is_last);
      if (world_.random.chance(0.2)) hurry_soon();
    });
  }
  const Micros all = before + width + random.up_to(3ms);
  world_.after(all, [this] {
    files_.unlock();
    hurry_soon();
  });
  if (times == 1) return;
  const Micros pause = random.up_to(random.chance(0.5) ? 1ms : 30ms);
  world_.after(all + pause, [this, times] { check_out(times - 1); });
}

void Schedule::abandon_lock(Micros at) {
  world_.after(at, [this] {
    if (files_.git_lock()) return;
    files_.lock();
    files_.save(/*is_watched=*/true);
    hurry_soon();
    world_.after(13s, [this] { files_.unlock(); });
  });
}

void Schedule::plan_outage(Micros at) {
  Random& random = world_.random;
  const bool is_long = random.chance(world_.traits.has_long_outages ? 0.8 : 0.2);
  const Micros how_long = random.up_to(is_long ? 3500ms : 200ms);
  switch (random.below(4)) {
    case 0:
      return world_.after(at, [this] { watchman_.break_connection("the connection breaks"); });
    case 1:
      return world_.after(at, [this, how_long] { watchman_.restart(how_long); });
    case 2:
      return world_.after(at, [this, how_long] { watchman_.hang(how_long); });
    case 3:
      return world_.after(at, [this] { watchman_.cancel(); });
  }
}

// A helper dies, and hpp-launch starts it again.
void Schedule::plan_crash(Micros at) {
  Mortal* const helpers[] = {&watchd_, &supervisord_, &proxyd_};
  Mortal* const helper = helpers[world_.random.below(3)];
  const auto die = [this, helper] {
    if (helper->is_alive()) helper->die();
    world_.after(world_.random.between(5ms, 200ms), [helper] {
      if (!helper->is_alive()) helper->start();
    });
  };
  world_.after(at, [this, helper, die] {
    if (!helper->is_alive()) return;
    helper->doom(world_.random.below(8));
    world_.after(20ms, die);
  });
}

// A pause that the user ends. A key may do the opposite of what was intended, so calm_down() ends
// all pauses.
void Schedule::plan_pause(Micros at) {
  const Micros how_long = world_.random.up_to(300ms);
  world_.after(at, [this] { press_pause(true); });
  world_.after(at + how_long, [this] { press_pause(false); });
}

// With hpp-ctl, with the key p of hpp-launch, or with a button in a browser.
void Schedule::press_pause(bool begins) {
  switch (world_.random.below(3)) {
    case 0:
      return begins ? supervisord_.pause() : supervisord_.resume();
    case 1:
      return supervisord_.toggle_pause();
    case 2:
      return proxyd_.request_pause(begins);
  }
}

// With a signal, or with a button in a browser.
void Schedule::plan_restart(Micros at) {
  const bool is_by_browser = world_.random.chance(0.5);
  world_.after(at, [this, is_by_browser] {
    is_by_browser ? proxyd_.request_restart() : supervisord_.restart_backend();
  });
}

// The agent's next edit.
void Schedule::edit_soon() {
  world_.after(world_.random.up_to(30ms), [this] {
    if (world_.is_quiet) return;
    files_.save(/*is_watched=*/true);
    hurry_soon();
  });
}

// Sends a request soon after a save, because that is when an answer may be stale.
void Schedule::hurry_soon() {
  if (clients_.empty() || !world_.random.chance(0.8)) return;
  Client* const client = clients_[world_.random.below(clients_.size())].get();
  const bool is_quick = world_.random.chance(0.5);
  world_.after(world_.random.up_to(is_quick ? 2ms : 30ms), [client] { client->hurry(); });
}

void Schedule::calm_down() {
  world_.trace("-------- quiet");
  world_.is_quiet = true;
  proxyd_.request_pause(false);
  supervisord_.resume();
  for (const auto& client : clients_) client->come_to_rest();
}

// ---- invariants ---------------------------------------------------------------------------------

void Schedule::check_run(const Request& request) {
  if (request.facts.is_safe || request.runs == 1) return;
  world_.violated("request {}, which is not safe to repeat, runs for the second time", request.id);
}

void Schedule::check_requests() {
  for (const Request& request : requests_) {
    if (request.answers > 1) world_.violated("request {} was answered twice", request.id);
    if (request.answers == 0 && !request.is_cut) {
      world_.violated("request {} is never answered", request.id);
    }
  }
  if (proxyd_.held() > 0) world_.violated("proxyd still holds {} requests", proxyd_.held());
}

void Schedule::check_last_save() {
  if (!watchd_.is_watching()) world_.violated("watchd does not watch in a quiet world");
  const auto& tree = std::get<bus::TreeState>(*bus_.last(bus::Topic::Tree));
  if (!tree.watching || tree.settling)
    world_.violated("watchd publishes not watching, or settling");
  const bus::BackendState& told = supervisord_.told();
  if (told.seen != tree.point()) {
    world_.violated("supervisord has acted on revision {}, the newest is {}", told.seen.revision,
                    tree.revision);
  }
  if (told.paused) world_.violated("hpp is still paused");
  const bus::Ticket restart = proxyd_.restart_asked();
  if (restart.epoch != 0 && !told.restart_accepted.covers(restart)) {
    world_.violated("restart request {} of a browser is lost", restart.number);
  }
  const std::uint64_t published = files_.version_at(watchd_.tick_of(tree.clock));
  if (published != files_.version()) {
    world_.violated("watchd has published version {}, the newest is {}", published,
                    files_.version());
  }
  if (told.state == bus::BackendPhase::Error) return;
  const Process* const process = processes_.newest();
  if (told.state != bus::BackendPhase::Running || !process->is_alive) {
    world_.violated("the backend does not run and has not failed");
  }
  if (process->version != files_.version() || process->is_mixed) {
    world_.violated("the last save is lost: the backend has read version {}{}, the newest is {}",
                    process->version, process->is_mixed ? ", MIXED" : "", files_.version());
  }
  // A browser that proxyd turned away is not notified when the queue has room again.
  const bool may_be_shut_out = world_.traits.queue_limit < Traits{}.queue_limit;
  if (browser_.shows() != files_.version() && !may_be_shut_out) {
    world_.violated("the browser shows version {}, the newest is {}", browser_.shows(),
                    files_.version());
  }
}

void Schedule::ask_once_more() {
  std::vector<Request*> last;
  for (const auto& client : clients_) last.push_back(&client->ask_once_more());
  world_.run_until(world_.now() + kLastAnswer);
  const bool has_failed = supervisord_.told().state == bus::BackendPhase::Error;
  for (const Request* const request : last) {
    if (request->answers != 1) world_.violated("request {} is never answered", request->id);
    if (request->status == (has_failed ? 503 : 200)) continue;
    world_.violated("request {}, in a quiet world, is answered with {}", request->id,
                    request->status);
  }
}

}  // namespace

Outcome play(std::uint64_t seed, Break broken, World::Sink sink) {
  Schedule schedule(seed, broken, std::move(sink));
  Outcome outcome;
  try {
    schedule.play();
  } catch (const Violation& violation) {
    outcome.violation = violation.what();
  }
  outcome.events = schedule.world().events();
  outcome.answers = schedule.world().answers;
  outcome.fresh_answers = schedule.world().fresh_answers;
  outcome.returns = schedule.world().returns;
  outcome.without_ticket = schedule.world().without_ticket;
  return outcome;
}

}  // namespace hpp::sim
