#include "supervisord/daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <cassert>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "common/clock.h"
#include "common/keys_variable.h"
#include "common/log.h"
#include "common/os/backend_tag.h"
#include "common/os/error.h"
#include "common/os/process_info.h"
#include "common/os/project_directory.h"
#include "supervisord/core/brief.h"
#include "supervisord/headword.h"
#include "supervisord/inspection.h"

namespace hpp::supervisord {
namespace {

// How many of the processes that this user may not kill are named. A later kill names the others,
// when the user has ended these.
constexpr std::size_t kRefusedNamedMax = 5;

UniqueFd open_no_input() {
  UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) throw_errno("cannot open /dev/null");
  return fd;
}

// Whether our session has a controlling terminal.
bool has_terminal() {
  return UniqueFd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)).is_open();
}

// Whether hpp-launch reads keys. Removes its variable, which the backend must not inherit.
bool take_keys() {
  const bool has_keys = std::getenv(kKeysVariable) != nullptr;
  ::unsetenv(kKeysVariable);
  return has_keys;
}

// True for SIGHUP under nohup(1).
bool is_ignored(int signal) {
  struct sigaction action {};

  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

Probe::Question question(const Options& options) {
  const bool is_connection = options.ready.is == ReadyWhen::Is::Connection;
  return {.wants = is_connection ? Probe::For::Connection : Probe::For::Response,
          .host = to_string(options.backend),
          .path = options.ready_path};
}

std::vector<Step> steps(const Options& options) {
  if (options.build.empty()) return {};
  return {build_step(options.build)};
}

// The last snapshot that the previous supervisord published.
std::optional<bus::BackendState> last(const bus::Publisher& publisher) {
  if (!publisher.last()) return std::nullopt;
  return std::get<bus::BackendState>(*publisher.last());
}

Project project_of(const Options& options) {
  const bus::AuthorId author = bus::Topic::Backend;
  return {.directory = take_project_directory(),
          .roots = options.roots,
          .author = author,
          .env_file = options.env_file,
          .tag_prefix = backend_tag_prefix(options.run_directory, author.name),
          .addresses = resolve(options.backend),
          .no_input = open_no_input()};
}

}  // namespace

Daemon::Daemon(const Options& options)
    : ends_with_terminal_(!is_ignored(SIGHUP) && has_terminal()),
      project_(project_of(options)),
      loop_(Loop::Timers::Precise),
      manager_(loop_),
      publisher_(loop_, options.run_directory, project_.author),
      backend_({.command = options.command,
                .steps = steps(options),
                .keep_last_good = options.keep_last_good,
                .has_spares = options.warm,
                .is_manual = options.manual,
                .settle = Milliseconds{options.settle_ms},
                .has_keys = take_keys(),
                .retries = options.retries,
                .is_announced = options.ready.is_announced()},
               last(publisher_).value_or(bus::BackendState{})),
      output_log_(options.run_directory, project_.author, publisher_.last().has_value()),
      port_release_(loop_, project_.addresses, [this] { post(TreeGone{}); }),
      killer_(
          loop_, project_.tag_prefix, [this] { return manager_.orphans(); },
          BuildDaemons(project_.tag_prefix, options.build_daemons),
          {.signal = options.stop_signal, .patience = Milliseconds{options.stop_timeout_ms}},
          [this] { on_tree_gone(); },
          [this](const std::vector<pid_t>& pids) { on_kill_refused(pids); }),
      announcement_(loop_, manager_, options.ready, options.run_directory, project_.author,
                    announcement_handlers()),
      server_(
          loop_, manager_, killer_, project_, options, destinations_.at(streams_.out()),
          destinations_.at(streams_.err()), output_log_, announcement_,
          [this](ProcessExited event) { post(std::move(event)); },
          [this](SpareFailed event) { post(std::move(event)); },
          [this](const std::string& line) { perform(Say{line}); }),
      steps_(
          loop_, killer_, project_, destinations_.at(streams_.err()),
          [this](std::string_view bytes) { output_log_.write(bus::OutputStream::Build, bytes); },
          [this](StepEnded event) { post(std::move(event)); }),
      listener_owner_([this] { return server_.likely_listeners(); },
                      [this] { return killer_.processes(); }),
      probe_(loop_, project_.addresses, question(options), probe_handlers()),
      timer_(loop_, [this] { post(TimerExpired{}); }),
      signals_(loop_, {SIGHUP, SIGUSR1, SIGUSR2, SIGRTMIN, SIGTERM, SIGINT, SIGWINCH},
               [this](int number) { on_signal(number); }),
      subscriber_(loop_, options.run_directory, {bus::Topic::Tree, bus::Topic::Proxy},
                  bus::Audience::Everybody,
                  [this](const bus::Message& message) { on_message(message); }) {}

void Daemon::run() {
  Begun begun{server_.take_over(last(publisher_))};
  server_.spares().begin(begun.last.has_value());
  post(std::move(begun));
  manager_.ready();
  loop_.run();
  destinations_.finish(log::kFinishTime);
}

void Daemon::dispatch(const Event& event) {
  const Now now{.steady = std::chrono::steady_clock::now(), .wall_ms = wall_ms()};
  for (const Effect& effect : backend_.on(event, now)) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Daemon::on_message(const bus::Message& message) {
  if (const auto* tree = std::get_if<bus::TreeState>(&message)) {
    server_.spares().on_tree(*tree);
    post(TreeSeen{*tree});
  }
  if (const auto* proxy = std::get_if<bus::ProxyState>(&message)) {
    port_release_.on_released(proxy->released);
    post(CheckRequested{proxy->liveness_check});
    if (proxy->url != url_) post(SiteSeen{url_ = proxy->url});
    if (backend_.is_new_request(proxy->restart)) request_restart({proxy->restart});
    if (proxy->pause.epoch != 0 && proxy->pauses) post(PauseRequested{proxy->pause});
    if (proxy->pause.epoch != 0 && !proxy->pauses) post(ResumeRequested{proxy->pause});
  }
}

void Daemon::on_signal(int number) {
  if (number == SIGWINCH) return follow_window();
  if (number == SIGUSR1) return post(PauseRequested{});
  if (number == SIGUSR2) return post(ResumeRequested{});
  if (number == SIGRTMIN) return post(PauseToggled{});
  // SIGHUP requests a restart, unless the kernel sent it because the terminal was closed.
  const bool is_hangup = ends_with_terminal_ && !manager_.is_present() && !has_terminal();
  if (number == SIGHUP && !is_hangup) {
    request_restart({});
  } else {
    post(StopRequested{});
  }
}

void Daemon::request_restart(const RestartRequested& request) {
  server_.spares().on_restart_requested();
  post(request);
}

// Copying the window size makes the kernel send SIGWINCH only if the backend's terminal is a
// controlling terminal (--interactive), so we send the signal ourselves. A program that does not
// handle SIGWINCH is not disturbed, because the default action is to ignore it.
void Daemon::follow_window() {
  server_.output().follow_window();
  steps_.output().follow_window();
  killer_.signal_servers(SIGWINCH);
}

// All processes of the backend are dead, but its port may not be free yet for the next backend.
void Daemon::on_tree_gone() {
  if (server_.has_socket()) return post(TreeGone{});
  port_release_.await(backend_.state(), backend_.generation());
}

void Daemon::on_kill_refused(const std::vector<pid_t>& pids) {
  KillRefused event;
  for (const pid_t pid : pids) {
    if (event.pids.size() == kRefusedNamedMax) break;
    event.pids.push_back(pid);
    event.who += (event.who.empty() ? "" : ", ") + describe_process(pid);
  }
  post(std::move(event));
}

void Daemon::perform(const RunStep& effect) {
  steps_.run(effect.command);
}

Announcement::Handlers Daemon::announcement_handlers() {
  return {
      .processes = [this] { return killer_.processes(); },
      .on_announced = [this] { post(Announced{backend_.generation()}); },
      .on_sight = [this](const Sight& sight) { on_sight(sight); },
      .on_late = [this](const Sight& sight) { on_late(sight); },
  };
}

Probe::Handlers Daemon::probe_handlers() {
  return {
      .owner_of = [this](const SocketAddress& address) { return listener_owner_.of(address); },
      .on_answer =
          [this](const Probe::Answer& answer) {
            server_.spares().read_lines();
            post(Answered{.generation = backend_.generation(),
                          .is_response = answer.is_response,
                          .address = answer.from.text(),
                          .stranger = answer.stranger});
          },
      .on_stranger = [this] { post(StrangerListens{backend_.generation()}); },
      .on_sight = [this](const Sight& sight) { on_sight(sight); },
      .on_late = [this](const Sight& sight) { on_late(sight); },
  };
}

void Daemon::on_sight(const Sight& sight) {
  post(ProbeSaw{.generation = backend_.generation(), .sight = sight});
}

void Daemon::on_late(Sight sight) {
  const std::vector<pid_t> pids = killer_.processes();
  const bool has_connected = sight.is == Sight::Is::Silence || sight.is == Sight::Is::NoAnswer ||
                             sight.is == Sight::Is::NotHttp;
  if (!has_connected) sight.elsewhere = addresses_of(pids);
  for (const pid_t pid : pids) {
    const pid_t tracer = tracer_of(pid);
    if (tracer != 0 && sight.tracer.empty()) sight.tracer = describe_process(tracer);
  }
  post(ProbeSaw{.generation = backend_.generation(), .sight = std::move(sight), .is_late = true});
}

void Daemon::perform(const Spawn& effect) {
  // The probe's connection may still be open after the answer. Our end of it would keep a backend
  // that does not set SO_REUSEADDR from binding the port.
  probe_.stop();
  events_.post_next(server_.start(effect.generation));
}

void Daemon::perform(const KillTree&) {
  killer_.kill();
}

void Daemon::perform(const AwaitAnnouncement& effect) {
  assert(effect.generation == backend_.generation());  // the events of the announcement carry it
  announcement_.start();
}

void Daemon::perform(const StartProbe& effect) {
  assert(effect.generation == backend_.generation());  // the events of the probe carry it
  switch (effect.of) {
    case StartProbe::Of::Tree:
      return probe_.start();
    case StartProbe::Of::AnyProcess:
      return probe_.start(/*strangers=*/true);
    case StartProbe::Of::TreeInstead:
      return probe_.start_instead();
  }
}

void Daemon::perform(const StopProbe&) {
  announcement_.stop();
  probe_.stop();
}

void Daemon::perform(const Publish& effect) {
  publisher_.publish(effect.snapshot);
  server_.spares().on_published(effect.snapshot, backend_.state());
}

void Daemon::perform(const Say& effect) {
  if (effect.begins_restart) server_.on_restart();
  output_log_.write(bus::OutputStream::Hpp, effect.text + '\n');
  const log::Colour colour = colour_of(backend_.state());
  if (log::prints(log::Level::Detail)) {
    return log::write(log::Level::Info, effect.text, {state_word(effect.text), colour});
  }
  const Brief brief = effect.brief.value_or(plain(effect.text));
  if (brief.is_silent()) return;
  log::write(log::Level::Info, brief.headword + brief.text, {brief.headword, colour}, brief.advice);
}

void Daemon::perform(const StartTimer& effect) {
  timer_.start(effect.after);
}

// Nothing is kept for the next supervisord, which therefore starts the backend from scratch, even
// if this one leaves in Error.
void Daemon::perform(const Leave&) {
  server_.leave();
  steps_.output().drain();
  loop_.stop();
}

}  // namespace hpp::supervisord
