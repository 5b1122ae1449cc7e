#include "supervisord/daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "common/log.h"
#include "common/os/error.h"
#include "common/os/process_tree.h"
#include "common/os/project_directory.h"
#include "common/wall_clock.h"
#include "supervisord/headword.h"

namespace hpp::supervisord {
namespace {

// How many processes that may not be killed are named. The others follow when these have ended.
constexpr std::size_t kRefusedNamedMax = 5;

UniqueFd open_no_input() {
  UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) throw_errno("cannot open /dev/null");
  return fd;
}

// The controlling terminal of our session.
bool has_terminal() {
  return UniqueFd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)).is_open();
}

// nohup(1)
bool is_ignored(int signal) {
  struct sigaction action {};

  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

Probe::Question question(const Options& options) {
  return {.wants = options.ready_http ? Probe::For::Response : Probe::For::Connection,
          .host = to_string(options.backend),
          .path = options.ready_path};
}

std::vector<Step> steps(const Options& options) {
  if (options.build.empty()) return {};
  return {build_step(options.build)};
}

// The last snapshot of the supervisord before this one.
std::optional<bus::BackendState> last(const bus::Publisher& publisher) {
  if (!publisher.last()) return std::nullopt;
  return std::get<bus::BackendState>(*publisher.last());
}

}  // namespace

Daemon::Daemon(const Options& options)
    : clears_(options.clear),
      ends_with_terminal_(!is_ignored(SIGHUP) && has_terminal()),
      project_{.directory = take_project_directory(),
               .tag_prefix = backend_tag_prefix(options.run_directory),
               .addresses = resolve(options.backend),
               .no_input = open_no_input()},
      loop_(Loop::Timers::Precise),
      manager_(loop_),
      publisher_(loop_, options.run_directory, bus::Topic::Backend),
      backend_({.command = options.command,
                .steps = steps(options),
                .keep_last_good = options.keep_last_good},
               last(publisher_).value_or(bus::BackendState{}).generation),
      port_release_(loop_, project_.addresses, [this] { post(TreeGone{}); }),
      killer_(
          loop_, project_.tag_prefix, [this] { return manager_.orphans(); },
          BuildDaemons(project_.tag_prefix, options.build_daemons),
          {.signal = options.stop_signal, .patience = Milliseconds{options.stop_timeout_ms}},
          [this] { on_tree_gone(); },
          [this](const std::vector<pid_t>& pids) { on_kill_refused(pids); }),
      server_(loop_, manager_, killer_, project_, options, destinations_.at(streams_.out()),
              destinations_.at(streams_.err()),
              [this](ProcessExited event) { post(std::move(event)); }),
      steps_(loop_, killer_, project_, destinations_.at(streams_.err()),
             [this](StepEnded event) { post(std::move(event)); }),
      listener_owner_([this] { return server_.likely_listeners(); },
                      [this] { return killer_.processes(); }),
      probe_(loop_, project_.addresses, question(options), probe_handlers()),
      timer_(loop_, [this] { post(TimerExpired{}); }),
      signals_(loop_, {SIGHUP, SIGTERM, SIGINT, SIGWINCH},
               [this](int number) { on_signal(number); }),
      subscriber_(loop_, options.run_directory, {bus::Topic::Tree, bus::Topic::Proxy},
                  bus::Audience::Everybody,
                  [this](const bus::Message& message) { on_message(message); }) {}

void Daemon::run() {
  post(Begun{server_.take_over(last(publisher_))});
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
  if (const auto* tree = std::get_if<bus::TreeState>(&message)) post(TreeSeen{*tree});
  if (const auto* proxy = std::get_if<bus::ProxyState>(&message)) {
    port_release_.on_released(proxy->let_go);
    post(Doubted{proxy->doubts});
  }
}

void Daemon::on_signal(int number) {
  if (number == SIGWINCH) return follow_window();
  // At a prompt the kernel sends SIGHUP when the terminal is closed.
  const bool is_hangup = ends_with_terminal_ && !manager_.is_present() && !has_terminal();
  if (number == SIGHUP && !is_hangup) {
    post(RestartRequested{});
  } else {
    post(StopRequested{});
  }
}

// The kernel tells those alone who have the terminal as their controlling one. Who does not want to
// know is not disturbed: the signal's default action is none.
void Daemon::follow_window() {
  server_.output().follow_window();
  steps_.output().follow_window();
  killer_.signal_servers(SIGWINCH);
}

// All are dead. A port that the next backend is to bind may not be free yet. That proxyd has let go
// it says after a kill that was told: when we start it may have done so long ago, and when all stop
// it goes itself.
void Daemon::on_tree_gone() {
  if (server_.has_socket()) return post(TreeGone{});
  const Backend::State state = backend_.state();
  const bool is_told = state != Backend::State::Starting && state != Backend::State::Stopping;
  port_release_.await(is_told ? backend_.generation() : 0);
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

Probe::Handlers Daemon::probe_handlers() {
  return {
      .owner_of = [this](const SocketAddress& address) { return listener_owner_.of(address); },
      .on_answer =
          [this](const Probe::Answer& answer) {
            post(Answered{.generation = probed_generation_,
                          .address = answer.from.text(),
                          .stranger = answer.stranger});
          },
      .on_stranger =
          [this](const std::string& who) {
            post(StrangerListens{.generation = probed_generation_, .stranger = who});
          },
      .on_sight =
          [this](const Sight& sight) {
            post(ProbeSaw{.generation = probed_generation_, .sight = sight});
          },
  };
}

void Daemon::perform(const Spawn& effect) {
  // A ping that was answered may not have ended yet; its half of the dead backend's connection
  // would keep the port from a backend that does without SO_REUSEADDR.
  probe_.stop();
  events_.post_next(server_.start(effect.generation));
}

void Daemon::perform(const KillTree&) {
  killer_.kill();
}

void Daemon::perform(const StartProbe& effect) {
  probed_generation_ = effect.generation;
  switch (effect.of) {
    case StartProbe::Of::Tree:
      return probe_.start();
    case StartProbe::Of::Anybody:
      return probe_.start(/*strangers=*/true);
    case StartProbe::Of::TreeInstead:
      return probe_.start_instead();
  }
}

void Daemon::perform(const StopProbe&) {
  probe_.stop();
}

void Daemon::perform(const Publish& effect) {
  publisher_.publish(effect.snapshot);
}

void Daemon::perform(const Say& effect) {
  if (clears_ && effect.begins_restart) server_.output().clear_screen();
  log::write(log::Level::Info, effect.text, headword(effect.text, backend_.state()));
}

void Daemon::perform(const StartTimer& effect) {
  timer_.start(effect.after);
}

// Who is started next begins anew, in Error, too.
void Daemon::perform(const Leave&) {
  server_.leave();
  steps_.output().drain();
  loop_.stop();
}

}  // namespace hpp::supervisord
