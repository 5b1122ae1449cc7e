#include "supervisord/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <system_error>

#include "common/log.h"
#include "common/os/error.h"
#include "common/os/process_tree.h"
#include "common/os/project_directory.h"
#include "common/wall_clock.h"
#include "supervisord/headword.h"
#include "supervisord/port_check.h"
#include "supervisord/script.h"

namespace hpp::supervisord {
namespace {

// How long the first spawn waits for watchd. It is there within some 50 ms if it is started with
// us, and perhaps never if a developer runs this program alone.
constexpr Milliseconds kTreeWait{1'000};

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

// What the service manager keeps of a backend has a name each, for systemd gives back those of one
// name in any order. 0: the pidfd; from 1 on: the ends that its output is read from.
std::string store_name(std::uint64_t generation, std::size_t number) {
  return fmt::format("backend-{}-{}", generation, number);
}

// All of so many, or nothing.
std::vector<UniqueFd> take_stored(ServiceManager& manager, std::uint64_t generation,
                                  std::size_t count) {
  std::vector<UniqueFd> all;
  for (std::size_t number = 0; number < count; ++number) {
    auto taken = manager.take(store_name(generation, number));
    if (taken.size() != 1) return {};
    all.push_back(std::move(taken.front()));
  }
  return all;
}

// Of the socket that backends are handed.
constexpr const char* kSocketName = "backend-socket";

Probe::Question question(const Options& options) {
  return {.wants = options.ready_http ? Probe::For::Response : Probe::For::Connection,
          .host = to_string(options.backend),
          .path = options.ready_path};
}

// Why the command could not be started.
std::string spawn_problem(const std::system_error& error, const std::string& program,
                          const std::string& directory) {
  std::string problem;
  if (error.code() == std::errc::no_such_file_or_directory) {
    problem = missing_part(program, directory);
  }
  return problem.empty() ? error.code().message() : problem;
}

// Explains the end of a command if the exit status does not: the interpreter was not found.
std::string end_problem(ExitStatus status, const std::string& program,
                        const std::string& directory) {
  constexpr int kNotFound = 127;  // env(1), sh(1)
  const bool is_not_found = status.is_known && !status.by_signal && status.number == kNotFound;
  return is_not_found ? interpreter_problem(program, directory) : "";
}

std::vector<Step> steps(const Options& options) {
  if (options.build.empty()) return {};
  return {build_step(options.build)};
}

std::uint64_t spawns_so_far(const bus::Publisher& publisher) {
  if (!publisher.last()) return 0;
  return std::get<bus::BackendState>(*publisher.last()).generation;
}

}  // namespace

Daemon::Daemon(const Options& options)
    : directory_(take_project_directory()),
      command_(options.command),
      clears_(options.clear),
      ends_with_terminal_(!is_ignored(SIGHUP) && has_terminal()),
      addresses_(resolve(options.backend)),
      tag_prefix_(backend_tag_prefix(options.run_directory)),
      no_input_(open_no_input()),
      loop_(Loop::Timers::Precise),
      manager_(loop_),
      publisher_(loop_, options.run_directory, bus::Topic::Backend),
      backend_({.command = options.command,
                .steps = steps(options),
                .keep_last_good = options.keep_last_good},
               spawns_so_far(publisher_)),
      output_(loop_, destinations_.at(streams_.out()), destinations_.at(streams_.err()),
              options.interactive ? Output::Input::Keyboard : Output::Input::None),
      listener_owner_([this] { return likely_listeners(); },
                      [this] { return killer_.processes(); }),
      probe_(loop_, addresses_, question(options), probe_handlers()),
      build_output_(loop_, destinations_.at(streams_.err())),
      port_release_(loop_, addresses_, [this] { post(TreeGone{}); }),
      killer_(
          loop_, tag_prefix_, [this] { return manager_.strays(); },
          BuildDaemons(tag_prefix_, options.build_daemons),
          {.signal = options.stop_signal, .patience = Milliseconds{options.stop_timeout_ms}},
          [this] { on_tree_gone(); },
          [this](const std::vector<pid_t>& pids) { on_kill_refused(pids); }),
      tree_wait_(loop_, [this] { post(TreeWaitExpired{}); }),
      timer_(loop_, [this] { post(TimerExpired{}); }),
      signals_(loop_, {SIGHUP, SIGTERM, SIGINT}, [this](int number) { on_signal(number); }),
      window_signal_(loop_, {SIGWINCH}, [this](int) { follow_window(); }),
      subscriber_(loop_, options.run_directory, {bus::Topic::Tree, bus::Topic::Proxy},
                  bus::Audience::Everybody,
                  [this](const bus::Message& message) { on_message(message); }) {
  if (options.socket) socket_.emplace(addresses_.front());
  if (options.interactive) input_.emplace(loop_, STDIN_FILENO);
}

void Daemon::run() {
  post(Begun{take_over()});
  manager_.ready();
  loop_.run();
  destinations_.finish(log::kFinishTime);
}

// The backend of a supervisord that crashed, if the service manager has kept what belongs to it: a
// pidfd, so that there is no doubt which process it is, and its output. Ours goes where that of the
// one before went, so there are as many descriptors. Without them the snapshot is of a run that has
// ended, or of a backend that never was: a failure, too, is tried again.
std::optional<bus::BackendState> Daemon::take_over() {
  if (socket_) {
    auto kept = manager_.take_listening(kSocketName);
    if (!kept.empty()) socket_->take_over(std::move(kept.front()));
  }
  if (!publisher_.last()) return std::nullopt;
  const auto last = std::get<bus::BackendState>(*publisher_.last());
  if (last.command != bus::limited_command(command_)) return std::nullopt;
  auto stored = take_stored(manager_, last.generation, stored_count());
  if (stored.empty()) return std::nullopt;
  stored_generation_ = last.generation;
  UniqueFd pidfd = std::move(stored.front());
  stored.erase(stored.begin());
  output_.take_over(std::move(stored));
  output_.follow_window();  // nobody did meanwhile
  if (input_) input_->lead_to(output_.keyboard());
  const bool lived =
      last.state == bus::BackendPhase::Loading || last.state == bus::BackendPhase::Running;
  if (!lived) return last;
  if (last.pid == 0) return std::nullopt;
  const auto pid = static_cast<pid_t>(last.pid);
  killer_.take_over(pid, UniqueFd(::fcntl(pidfd.get(), F_DUPFD_CLOEXEC, 0)));
  const auto on_end = [this, generation = last.generation](ExitStatus status) {
    on_exit(generation, status);
  };
  child_ = std::make_unique<Child>(loop_, std::move(pidfd), pid, on_end);
  return last;
}

std::size_t Daemon::stored_count() const {
  return 1 + output_.reader_count();
}

// For take_over().
void Daemon::store(std::uint64_t generation) {
  forget_stored();
  std::vector<int> fds = output_.readers();
  fds.insert(fds.begin(), child_->pidfd());
  for (std::size_t number = 0; number < fds.size(); ++number) {
    manager_.store(store_name(generation, number), {fds[number]});
  }
  stored_generation_ = generation;
}

void Daemon::forget_stored() {
  if (stored_generation_ == 0) return;
  for (std::size_t number = 0; number < stored_count(); ++number) {
    manager_.forget(store_name(stored_generation_, number));
  }
  stored_generation_ = 0;
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
    port_release_.on_let_go(proxy->let_go);
    post(Doubted{proxy->doubts});
  }
}

void Daemon::on_signal(int number) {
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
  output_.follow_window();
  build_output_.follow_window();
  killer_.signal_first(SIGWINCH);
}

void Daemon::on_exit(std::uint64_t generation, ExitStatus status) {
  log::debug("generation {} ended: {}", generation, to_string(status));
  killer_.first_ended();
  output_.drain();
  output_.calm_screen();
  post(ProcessExited{.generation = generation,
                     .status = status,
                     .output_tail = output_.tail(),
                     .problem = end_problem(status, command_.front(), directory_)});
  killer_.look();
}

// All are dead. A port that the next backend is to bind may not be free yet. That proxyd has let go
// it says after a kill that was told: when we start it may have done so long ago, and when all stop
// it goes itself.
void Daemon::on_tree_gone() {
  if (socket_) return post(TreeGone{});
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

void Daemon::on_step_end(const std::string& command, ExitStatus status) {
  killer_.builder_ended();
  build_output_.drain();
  const std::string first_word = command.substr(0, command.find_first_of(" \t\n;&|<>()"));
  post(StepEnded{.status = status,
                 .problem = end_problem(status, first_word, directory_),
                 .output_tail = std::string(build_output_.tail())});
  killer_.look();
}

void Daemon::perform(const RunStep& effect) {
  if (builder_) loop_.bury(std::move(builder_));
  std::string problem = project_directory_problem(directory_);
  try {
    if (problem.empty()) return start_step(effect.command);
  } catch (const std::system_error& error) {
    problem = error.what();
  }
  post(StepEnded{.status = {.is_known = false}, .problem = std::move(problem), .output_tail = {}});
}

// In one stream, and on our stderr: what it prints is for the developer, and a message of the
// compiler's belongs between those lines of make's where it was printed.
void Daemon::start_step(const std::string& command) {
  const UniqueFd end = build_output_.open();
  const ChildRequest request{
      .command = {"/bin/sh", "-c", command},
      .directory = directory_,
      .environment = {{kBackendTag, tag_prefix_ + kBuildTag}},
      .group = ChildRequest::Group::OwnSession,
      .stdin_fd = no_input_.get(),
      .stdout_fd = end.get(),
      .stderr_fd = end.get(),
  };
  builder_ = std::make_unique<Child>(
      loop_, request, [this, command](ExitStatus status) { on_step_end(command, status); });
  killer_.set_builder(builder_->pid());
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

// This process holds the socket that backends are handed.
std::vector<pid_t> Daemon::likely_listeners() const {
  std::vector<pid_t> pids;
  if (child_) pids.push_back(child_->pid());
  if (socket_) pids.push_back(::getpid());
  return pids;
}

void Daemon::perform(const Spawn& effect) {
  events_.post_next(spawn(effect.generation));
}

Event Daemon::spawn(std::uint64_t generation) {
  // A ping that was answered may not have ended yet; its half of the dead backend's connection
  // would keep the port from a backend that does without SO_REUSEADDR.
  probe_.stop();
  const bool is_ours = socket_ && socket_->is_open();
  if (const auto holder = is_ours ? std::nullopt : find_port_holder(addresses_)) {
    return PortTaken{.port = holder->port, .by = holder->owner.text, .pid = holder->owner.pid};
  }
  if (child_) loop_.bury(std::move(child_));
  if (std::string problem = project_directory_problem(directory_); !problem.empty()) {
    return SpawnFailed{std::move(problem)};
  }
  try {
    const Output::Ends ends = output_.open();
    if (input_) input_->lead_to(output_.keyboard());
    ChildRequest request{
        .command = command_,
        .directory = directory_,
        .environment = {{kBackendTag, tag_prefix_ + std::to_string(generation)},
                        {"PORT", std::to_string(addresses_.front().port())}},
        .group = input_ ? ChildRequest::Group::OwnTerminal : ChildRequest::Group::OwnSession,
        .stdin_fd = input_ ? ends.in.get() : no_input_.get(),
        .stdout_fd = ends.out.get(),
        .stderr_fd = ends.err.get(),
    };
    if (socket_) {
      const int fd = socket_->prepare();
      request.listen_fds = {{kSocketName, fd}};
      if (!is_ours) manager_.store(kSocketName, {fd});
    }
    child_ = std::make_unique<Child>(
        loop_, request, [this, generation](ExitStatus status) { on_exit(generation, status); });
  } catch (const std::system_error& error) {
    return SpawnFailed{spawn_problem(error, command_.front(), directory_)};
  }
  killer_.set_first(child_->pid());
  store(generation);
  return Spawned{child_->pid()};
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
  if (clears_ && effect.begins_restart) output_.clear_screen();
  log::write(log::Level::Info, effect.text, headword(effect.text, backend_.state()));
}

void Daemon::perform(const StartTreeWait&) {
  tree_wait_.start(kTreeWait);
}

void Daemon::perform(const StartTimer& effect) {
  timer_.start(effect.after);
}

// Who is started next begins anew, in Error, too.
void Daemon::perform(const Leave&) {
  forget_stored();
  if (socket_) manager_.forget(kSocketName);
  output_.drain();
  build_output_.drain();
  loop_.stop();
}

}  // namespace hpp::supervisord
