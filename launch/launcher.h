// Shell. Owns the helper processes, the run directory's lock, and the terminal's signals.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/event/child.h"
#include "common/event/loop.h"
#include "common/event/notify_socket.h"
#include "common/event/outlet_watch.h"
#include "common/event/signals.h"
#include "common/event/timer.h"
#include "common/event_runner.h"
#include "common/log.h"
#include "common/options.h"
#include "common/os/build_daemons.h"
#include "common/os/launch_tree.h"
#include "common/os/run_directory.h"
#include "common/os/unique_fd.h"
#include "launch/background.h"
#include "launch/browser.h"
#include "launch/core/banner.h"
#include "launch/core/keys.h"
#include "launch/core/services.h"
#include "launch/guard.h"
#include "launch/key_pipe.h"
#include "launch/keyboard.h"

namespace hpp::launch {

class Launcher {
 public:
  // Makes the run directory and takes its lock; does not start the helpers yet.
  // Throws std::exception with one line for the user if the working directory cannot be read, a
  // helper's program is missing, the run directory cannot be used, or hpp is already running.
  explicit Launcher(const Options& options);

  // If an earlier hpp-launch has left helpers behind, waits until they have exited, and kills those
  // that do not exit in time. Then runs the services until all have stopped. Returns the exit
  // status. Call once.
  int run();

 private:
  // One helper: its program, its process if there is one, its timers, and the descriptors that it
  // has stored for its next process.
  struct Place {
    Place(Loop& loop, Launcher& launcher, Helper which);

    std::string program;
    std::unique_ptr<Child> child;
    Timer restart_timer;
    Timer watchdog;
    TimePoint watchdog_due;
    std::vector<std::pair<std::string, UniqueFd>> fd_store;
  };

  // A helper left behind by an earlier hpp-launch that was killed.
  struct EarlierHelper {
    Helper which;
    pid_t pid;
  };

  void on_stop_signal(int number);
  void on_child_signal();
  void on_window_signal();
  void open_terminal();
  void open_keyboard();
  Banner banner(std::string hint) const;
  void show_help();
  void show(const std::vector<std::string>& lines);
  void on_typed(const Typed& typed);
  void on_notification(pid_t sender, const Notification& notification, std::vector<UniqueFd> fds);
  void on_watchdog(Helper which);
  void on_exit(Helper which, ExitStatus status);

  void post(Event event) { events_.post(std::move(event)); }

  void dispatch(const Event& event);

  void perform(const StartHelper& effect);
  void perform(const TerminateHelper& effect);
  void perform(const KillHelper& effect);
  void perform(const RestartBackend& effect);
  void perform(const TogglePause& effect);
  void perform(const StartWatchdog& effect);
  void perform(const StartRestartTimer& effect);
  void perform(const StartStopTimer& effect);
  void perform(const SweepBackend& effect);
  void perform(const Say& effect);
  void perform(const Leave& effect);

  // Children that their owners reap. The sweep does not kill them.
  std::vector<pid_t> own_pids() const;
  std::vector<Survivor> survivors() const;
  void sweep();

  void begin();
  std::optional<EarlierHelper> earlier_helper() const;
  void wait_for_end(const EarlierHelper& earlier);
  void lock_run_directory();
  void mend_run_directory();
  void look_after_run_directory();
  void lose_run_directory(const AlreadyRunning& why);

  Options options_;
  std::string directory_;  // path of the project folder
  LaunchTree tree_ = LaunchTree::of_this_process();
  std::optional<InBackground> in_background_ = InBackground::take();
  std::optional<RunDirectory> run_directory_;
  std::optional<FileLock> lock_;
  std::string instance_id_;
  std::optional<BuildDaemons> daemons_;  // the sweep does not kill them
  std::optional<Guard> guard_;
  UniqueFd dev_null_;
  Loop loop_;
  OutletWatch log_watch_{loop_, log::outlet()};
  Services services_;
  EventRunner<Event> events_{[this](const Event& event) { dispatch(event); }};
  std::map<Helper, Place> places_;
  Timer stop_timer_;
  Timer begin_timer_;
  Timer mend_timer_;
  std::optional<TimePoint> waiting_since_;  // start of the wait for an earlier hpp-launch's helpers
  pid_t awaited_ = 0;                       // the earlier helper that begin() waits for
  std::optional<TimePoint> killed_at_;      // when awaited_ was sent SIGKILL
  bool mend_failure_logged_ = false;
  std::optional<NotifySocket> notify_socket_;
  bool sweeping_ = false;
  int exit_status_ = 0;
  Signals stop_signals_;
  std::optional<Signals> hangup_;
  Signals child_signal_;
  Signals window_signal_;
  Browser browser_{loop_, tree_};
  bool is_terminal_open_ = false;
  std::optional<Keys> keys_;         // not with --interactive
  std::optional<KeyPipe> key_pipe_;  // only with --interactive
  std::optional<Keyboard> keyboard_;
};

}  // namespace hpp::launch
