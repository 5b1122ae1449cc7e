#include "launch/launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "common/background_variable.h"
#include "common/bus/endpoints.h"
#include "common/keys_variable.h"
#include "common/log.h"
#include "common/os/backend_tag.h"
#include "common/os/error.h"
#include "common/os/lan_addresses.h"
#include "common/os/process_handle.h"
#include "common/os/process_info.h"
#include "common/os/process_tree.h"
#include "common/os/project_directory.h"
#include "common/os/terminal.h"
#include "config.h"
#include "launch/helper_program.h"
#include "launch/rivals.h"

namespace hpp::launch {
namespace {

// Limit for the descriptors stored for one helper: watchd stores two for each directory that
// inotify watches.
constexpr std::size_t kStoredMax = 128;
// The socket's name in the run directory, whose lock hpp-launch holds.
constexpr const char* kNotifySocket = "notify.sock";
// How often begin() checks whether the helpers of an earlier hpp-launch have exited.
constexpr Milliseconds kBeginAgain{50};
// How long one of those helpers may take to die of SIGKILL before hpp-launch gives up.
constexpr Milliseconds kEarlierKillTime{5'000};
// How often the files in the run directory are checked and repaired.
constexpr Milliseconds kMendEvery{1'000};
// If a watchdog timer fires later than this, hpp-launch itself did not run: the helper may be fine.
constexpr Milliseconds kWatchdogLate{500};

Program program_of(Helper helper) {
  switch (helper) {
    case Helper::Proxyd:
      return Program::Proxyd;
    case Helper::Watchd:
      return Program::Watchd;
    case Helper::Supervisord:
      return Program::Supervisord;
  }
  return Program::Launch;
}

bus::Topic topic_of(Helper helper) {
  switch (helper) {
    case Helper::Proxyd:
      return bus::Topic::Proxy;
    case Helper::Watchd:
      return bus::Topic::Tree;
    case Helper::Supervisord:
      return bus::Topic::Backend;
  }
  return bus::Topic::Backend;
}

// Watchman and the backend work in this directory. If it cannot be read, they would fail later,
// with a less clear error.
std::string readable_project_directory() {
  std::string path = project_directory();
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) throw_errno(fmt::format("cannot read the working directory {}", path));
  return path;
}

// The snapshots describe processes that have exited. A helper that read them would find nothing to
// adopt.
void remove_snapshots(const RunDirectory& run_directory) {
  for (const auto topic : {bus::Topic::Tree, bus::Topic::Backend, bus::Topic::Proxy}) {
    ::unlinkat(run_directory.fd(), bus::snapshot_name(topic).c_str(), 0);
  }
}

Milliseconds stop_time(const Options& options) {
  const bool is_gentle = options.stop_signal != SIGKILL;
  return kStopTime + Milliseconds{is_gentle ? options.stop_timeout_ms : 0};
}

// nohup(1) starts hpp-launch with SIGHUP ignored. It must stay ignored.
bool is_ignored(int signal) {
  struct sigaction action {};

  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

}  // namespace

Launcher::Place::Place(Loop& loop, Launcher& launcher, Helper which)
    : program(find_helper_program(which)),
      restart_timer(loop, [&launcher, which] { launcher.post(RestartDue{which}); }),
      watchdog(loop, [&launcher, which] { launcher.on_watchdog(which); }) {}

Launcher::Launcher(const Options& options)
    : options_(options),
      directory_(readable_project_directory()),
      dev_null_(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      services_(stop_time(options)),
      stop_timer_(loop_, [this] { post(StopTimeOver{survivors()}); }),
      begin_timer_(loop_, [this] { begin(); }),
      mend_timer_(loop_, [this] { look_after_run_directory(); }),
      stop_signals_(loop_, {SIGINT, SIGTERM}, [this](int number) { on_stop_signal(number); }),
      child_signal_(loop_, {SIGCHLD}, [this](int) { on_child_signal(); }),
      window_signal_(loop_, {SIGWINCH}, [this](int) { on_window_signal(); }) {
  if (options_.interactive) {
    if (!Keyboard::is_for_keys()) {
      throw std::runtime_error("--interactive needs a terminal for stdin and stdout");
    }
    key_pipe_.emplace(loop_, [this] { keyboard_->resume(); });
  }
  for (const Helper which : kHelpers) places_.try_emplace(which, loop_, *this, which);
  if (options_.name.empty()) options_.name = instance_name(options_.bind);
  options_.run_directory = default_run_directory(options_.name);
  run_directory_.emplace(options_.run_directory, log::warning_text);
  lock_run_directory();
  if (in_background_) in_background_->name_log(*run_directory_);
  instance_id_ = run_directory_->instance_id();
  const std::string tag_prefix = backend_tag_prefix(options_.run_directory);
  daemons_.emplace(tag_prefix, options_.build_daemons);
  guard_.emplace(options_.run_directory, tag_prefix, *daemons_, stop_time(options_));
  notify_socket_.emplace(
      loop_, *run_directory_, kNotifySocket,
      [this](pid_t sender, const Notification& notification, std::vector<UniqueFd> fds) {
        on_notification(sender, notification, std::move(fds));
      });
  if (!is_ignored(SIGHUP)) {
    hangup_.emplace(loop_, std::initializer_list<int>{SIGHUP},
                    [this](int number) { on_stop_signal(number); });
  }
  become_subreaper();
}

int Launcher::run() {
  begin();
  loop_.run();
  return exit_status_;
}

// When hpp-launch is killed, the kernel sends SIGTERM to its helpers, and supervisord gives the
// backend its --stop-timeout. A new hpp-launch waits until they have exited: only then are their
// locks and ports free.
void Launcher::begin() {
  if (services_.state() != Services::State::Keeping) return;
  if (const auto earlier = earlier_helper()) return wait_for_end(*earlier);
  remove_snapshots(*run_directory_);
  mend_timer_.start(kMendEvery);
  post(Begun{});
}

// We hold the run directory's lock and have started nothing yet, so every helper that still runs
// here belongs to an earlier hpp-launch.
std::optional<Launcher::EarlierHelper> Launcher::earlier_helper() const {
  for (const Helper which : {Helper::Supervisord, Helper::Watchd, Helper::Proxyd}) {
    const auto holder = lock_holder(bus::lock_path(run_directory_->path(), topic_of(which)));
    const std::string tag = fmt::format("{}={}", kHelperTag, to_string(which));
    if (holder && has_environment(*holder, tag)) return EarlierHelper{which, *holder};
  }
  return std::nullopt;
}

// A helper that hangs or is suspended does not react to SIGTERM. It is killed after the time that
// our own helpers have for a stop. A helper that waits in the kernel (for a network file system
// that does not respond) does not die of SIGKILL either.
void Launcher::wait_for_end(const EarlierHelper& earlier) {
  const TimePoint now = std::chrono::steady_clock::now();
  const std::string helper = fmt::format("{} (pid {})", to_string(earlier.which), earlier.pid);
  if (!waiting_since_) waiting_since_ = now;
  if (std::exchange(awaited_, earlier.pid) != earlier.pid) {
    killed_at_.reset();
    log::info("waiting for {} (pid {}{}) to end, which a killed hpp-launch has left behind",
              to_string(earlier.which), earlier.pid,
              earlier.which == Helper::Supervisord ? ", stopping its server" : "");
  }
  if (killed_at_ && now - *killed_at_ > kEarlierKillTime) {
    return post(BeginFailed{fmt::format(
        "{}, which an earlier hpp-launch has left, did not die of SIGKILL within {} s: it probably "
        "waits for a disk or a network file system. Start hpp again when that process has ended",
        helper, kEarlierKillTime.count() / 1000)});
  }
  if (now - *waiting_since_ > stop_time(options_) + kKillTime) {
    const auto find = [&] {
      const auto found = earlier_helper();
      return found && found->pid == earlier.pid ? std::vector{found->pid} : std::vector<pid_t>{};
    };
    signal_processes(find, SIGKILL);
    if (!killed_at_) {
      log::warning("{} has not ended in time: killing it", helper);
      killed_at_ = now;
    }
  }
  begin_timer_.start(kBeginAgain);
}

void Launcher::on_stop_signal(int number) {
  log::debug("got {}", to_string(ExitStatus{.by_signal = true, .number = number}));
  post(StopRequested{number});
}

void Launcher::on_child_signal() {
  if (sweeping_) {
    sweep();
  } else {
    reap_adopted(own_pids());
  }
}

// The terminal sends SIGWINCH to its foreground process group only, and the helpers are not in it.
void Launcher::on_window_signal() {
  const auto& supervisord = places_.at(Helper::Supervisord).child;
  if (supervisord) supervisord->kill(SIGWINCH);
}

void Launcher::on_notification(pid_t sender, const Notification& notification,
                               std::vector<UniqueFd> fds) {
  const auto is_sender = [sender](const auto& entry) {
    const auto& child = entry.second.child;
    return child && child->pid() == sender;
  };
  const auto found = std::find_if(places_.begin(), places_.end(), is_sender);
  if (found == places_.end()) return;  // the sender is a process that a helper has started
  auto& [which, place] = *found;
  if (notification.removes_fds) {
    std::erase_if(place.fd_store,
                  [&](const auto& entry) { return entry.first == notification.name; });
  } else if (notification.stores_fds) {
    for (UniqueFd& fd : fds) {
      if (place.fd_store.size() >= kStoredMax) {
        log::warning("{} stores more than {} descriptors", to_string(which), kStoredMax);
        break;
      }
      place.fd_store.emplace_back(notification.name, std::move(fd));
    }
  }
  if (notification.is_ready) {
    open_terminal();
    if (in_background_ && which == Helper::Proxyd) in_background_->tell_listening();
    post(HelperReady{which});
  }
  if (notification.is_alive) post(HelperAlive{which});
}

// Called when a helper is ready, and not before: if a start cannot work, its error should be the
// only output.
void Launcher::open_terminal() {
  if (std::exchange(is_terminal_open_, true)) return;
  const bool has_lines = !key_pipe_ && Keyboard::is_for_lines();
  const std::string_view hint = key_pipe_ ? kInteractiveHint : has_lines ? kKeysHint : "";
  if (!log::is_journal(STDERR_FILENO)) {
    show(lines_of(banner(std::string(hint)), log::is_coloured()));
  }
  if (key_pipe_ || has_lines) open_keyboard();
}

void Launcher::open_keyboard() {
  const auto on_mode = [this](const KeyMode& mode) { guard_->remember(mode); };
  if (key_pipe_) {
    keyboard_.emplace(
        loop_, Keyboard::Use::Keys,
        Keyboard::Handler{
            .on_bytes = [this](std::string_view bytes) { return key_pipe_->write(bytes); },
            .on_mode = on_mode});
    return;
  }
  const bool is_single = !has_rival();
  keys_.emplace(is_single ? Keys::Mode::Single : Keys::Mode::Lines);
  keyboard_.emplace(loop_, is_single ? Keyboard::Use::Single : Keyboard::Use::Lines,
                    Keyboard::Handler{.on_bytes =
                                          [this](std::string_view bytes) {
                                            for (const auto& typed : keys_->take(bytes)) {
                                              on_typed(typed);
                                            }
                                            return true;
                                          },
                                      .on_mode = on_mode});
}

Banner Launcher::banner(std::string hint) const {
  const char* const home = std::getenv("HOME");
  return {.version = HPP_VERSION,
          .directory = short_path(directory_, home == nullptr ? "" : home),
          .url = site_url(options_.bind),
          .network = network_text(options_.bind, options_.lan, lan_addresses()),
          .hint = std::move(hint)};
}

void Launcher::show(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) log::outlet().write_line(line + '\n');
}

void Launcher::on_typed(const Typed& typed) {
  switch (typed.meaning) {
    case Typed::Meaning::Restart:
      return post(RestartAsked{});
    case Typed::Meaning::Open:
      return browser_.open(site_url(options_.bind));
    case Typed::Meaning::Urls:
      return show(url_lines_of(banner(""), log::is_coloured()));
    case Typed::Meaning::Clear:
      if (is_able_terminal(STDERR_FILENO)) log::outlet().write_control(kClearScreen);
      return;
    case Typed::Meaning::Pause:
      return post(PauseAsked{});
    case Typed::Meaning::Quit:
      return post(StopRequested{.signal = 0});
    case Typed::Meaning::Help:
      return show_help();
    case Typed::Meaning::Blank:
      return show({""});
    case Typed::Meaning::Unknown:
      return log::info("unknown command \"{}\"; {}", typed.text, kKeysHint);
  }
}

void Launcher::show_help() {
  for (const auto& line : kKeysHelp) log::info("{}", line);
  if (keys_->mode() == Keys::Mode::Single) log::info("{}", kSingleKeysHelp);
  log::info("{}", kCommandsHelp);
}

// After hpp-launch itself was stopped (Ctrl+Z), all watchdogs have expired, and the helpers'
// WATCHDOG=1 messages may not have fitted into the socket. Therefore a watchdog that fires late
// starts again.
void Launcher::on_watchdog(Helper which) {
  notify_socket_->drain();
  Place& place = places_.at(which);
  if (place.watchdog.is_active()) return;
  const bool was_late = std::chrono::steady_clock::now() > place.watchdog_due + kWatchdogLate;
  if (was_late) return perform(StartWatchdog{which});
  const pid_t tracer = place.child ? tracer_of(place.child->pid()) : 0;
  if (tracer != 0)
    log::debug("{} does not respond, because pid {} traces it", to_string(which), tracer);
  post(WatchdogExpired{.which = which, .is_traced = tracer != 0});
}

// Drains the socket first: descriptors that the helper stored last are for its next process.
void Launcher::on_exit(Helper which, ExitStatus status) {
  notify_socket_->drain();
  log::debug("{} ended: {}", to_string(which), to_string(status));
  post(HelperExited{which, status});
}

void Launcher::dispatch(const Event& event) {
  for (const Effect& effect : services_.on(event, std::chrono::steady_clock::now())) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Launcher::perform(const StartHelper& effect) {
  const Helper which = effect.which;
  Place& place = places_.at(which);
  ChildRequest request{
      .command = arguments_for(program_of(which), options_),
      .environment = {{kHelperTag, program_name(program_of(which))},
                      tree_.environment(),
                      project_directory_variable(directory_),
                      {"NOTIFY_SOCKET", notify_socket_->path()},
                      {"WATCHDOG_USEC",
                       std::to_string(std::chrono::microseconds(kWatchdogTime).count())}},
      .group = ChildRequest::Group::OwnGroup,
      .stdin_fd = dev_null_.get(),
      .death_signal = SIGTERM,
  };
  if (which == Helper::Supervisord) {
    if (key_pipe_) request.stdin_fd = key_pipe_->reader();
    if (keys_) request.environment.emplace_back(kKeysVariable, "1");
    if (in_background_) request.environment.emplace_back(kBackgroundVariable, "1");
  }
  for (const auto& [name, fd] : place.fd_store) request.listen_fds.emplace_back(name, fd.get());
  request.command.insert(request.command.begin(), place.program);
  try {
    mend_run_directory();
    auto child = std::make_unique<Child>(
        loop_, request, [this, which](ExitStatus status) { on_exit(which, status); });
    log::debug("{} is pid {}", to_string(which), child->pid());
    std::swap(place.child, child);
    if (child) loop_.bury(std::move(child));  // this may run in the old child's own callback
    post(HelperStarted{which});
  } catch (const AlreadyRunning& error) {
    lose_run_directory(error);  // before StartFailed, after which the start would be retried
    post(StartFailed{which, error.what()});
  } catch (const std::runtime_error& error) {  // includes std::system_error
    post(StartFailed{which, error.what()});
  }
}

void Launcher::perform(const TerminateHelper& effect) {
  places_.at(effect.which).child->kill(SIGTERM);
}

void Launcher::perform(const KillHelper& effect) {
  places_.at(effect.which).child->kill(SIGKILL);
}

void Launcher::perform(const RestartBackend&) {
  places_.at(Helper::Supervisord).child->kill(SIGHUP);
}

void Launcher::perform(const TogglePause&) {
  places_.at(Helper::Supervisord).child->kill(SIGRTMIN);
}

void Launcher::perform(const StartWatchdog& effect) {
  Place& place = places_.at(effect.which);
  place.watchdog_due = std::chrono::steady_clock::now() + kWatchdogTime;
  place.watchdog.start(kWatchdogTime);
}

void Launcher::perform(const StartRestartTimer& effect) {
  places_.at(effect.which).restart_timer.start(effect.delay);
}

void Launcher::perform(const StartStopTimer& effect) {
  stop_timer_.start(effect.delay);
}

void Launcher::perform(const SweepBackend&) {
  sweeping_ = true;
  sweep();
}

void Launcher::perform(const Say& effect) {
  switch (effect.tone) {
    case Say::Tone::Info:
      return log::info("{}", effect.text);
    case Say::Tone::Warning:
      return log::warning_text(effect.text);
    case Say::Tone::Error:
      return log::error("{}", effect.text);
  }
}

void Launcher::perform(const Leave& effect) {
  exit_status_ = effect.exit_status;
  loop_.stop();
}

void Launcher::lock_run_directory() {
  lock_ = hpp::lock_run_directory(
      *run_directory_, fmt::format("pid {}, http://{}", ::getpid(), to_string(options_.bind)));
}

// Called before a helper is started: the helper needs the directory, and hpp-ctl needs the lock. If
// it throws, the start has failed; Services logs that once and retries.
void Launcher::mend_run_directory() {
  run_directory_->mend();
  if (!lock_->is_held_at(run_directory_->fd(), kRunLock)) lock_run_directory();
  run_directory_->keep_instance_id(instance_id_);
  notify_socket_->mend();
}

// Some programs delete old files in /tmp. Without the lock file, hpp-ctl would report that hpp is
// not running, and a second hpp-launch could start beside this one.
void Launcher::look_after_run_directory() {
  if (in_background_) in_background_->bound_log();
  try {
    mend_run_directory();
    mend_failure_logged_ = false;
  } catch (const AlreadyRunning& error) {
    return lose_run_directory(error);
  } catch (const std::runtime_error& error) {
    if (!std::exchange(mend_failure_logged_, true)) log::warning_text(error.what());
  }
  mend_timer_.start(kMendEvery);
}

void Launcher::lose_run_directory(const AlreadyRunning& why) {
  post(PlaceLost{
      fmt::format("{} was deleted, and another hpp-launch has taken its place ({}): stopping",
                  run_lock_path(run_directory_->path()), why.holder)});
}

std::vector<pid_t> Launcher::own_pids() const {
  std::vector<pid_t> pids{guard_->pid()};
  if (browser_.pid() != 0) pids.push_back(browser_.pid());
  for (const auto& [which, place] : places_) {
    if (place.child && place.child->is_running()) pids.push_back(place.child->pid());
  }
  return pids;
}

// Empty before the sweep.
std::vector<Survivor> Launcher::survivors() const {
  std::vector<Survivor> found;
  if (!sweeping_) return found;
  for (const pid_t pid : daemons_->without(tree_.orphans(own_pids()))) {
    found.push_back({.pid = pid,
                     .description = describe_process(pid),
                     .is_refused = ::kill(pid, 0) != 0 && errno == EPERM});
  }
  return found;
}

void Launcher::sweep() {
  const std::vector<pid_t> own = own_pids();
  reap_adopted(own);
  const auto orphans = open_processes([&] { return daemons_->without(tree_.orphans(own)); });
  if (!orphans) return post(BackendSwept{});
  for (const ProcessHandle& orphan : *orphans) {
    log::debug("killing {}", describe_process(orphan.pid));
    orphan.signal(SIGKILL);
  }
}

}  // namespace hpp::launch
