// Shell. Owns the backend process: turns messages, signals, exits and timers into events of
// core/backend, and performs the effects that it returns.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/bus/publisher.h"
#include "common/bus/subscriber.h"
#include "common/event/loop.h"
#include "common/event/signals.h"
#include "common/event/timer.h"
#include "common/event_runner.h"
#include "common/options.h"
#include "common/service_manager.h"
#include "supervisord/announcement.h"
#include "supervisord/core/backend.h"
#include "supervisord/journal_streams.h"
#include "supervisord/listener_owner.h"
#include "supervisord/output.h"
#include "supervisord/output_log.h"
#include "supervisord/port_release.h"
#include "supervisord/probe.h"
#include "supervisord/project.h"
#include "supervisord/server.h"
#include "supervisord/step_runner.h"
#include "supervisord/tree_killer.h"

namespace hpp::supervisord {

class Daemon {
 public:
  // Connects to the bus. The run directory must exist. Throws std::runtime_error if another
  // supervisord runs in that directory, or if the backend's host cannot be resolved.
  explicit Daemon(const Options& options);

  // Runs until SIGTERM, SIGINT or the loss of the terminal. When it returns, no process of the
  // backend is left.
  void run();

 private:
  void post(Event event) { events_.post(std::move(event)); }

  void dispatch(const Event& event);
  void on_message(const bus::Message& message);
  void on_signal(int number);
  void request_restart(const RestartRequested& request);
  void follow_window();
  void on_tree_gone();
  void on_kill_refused(const std::vector<pid_t>& pids);

  void perform(const Spawn& effect);
  void perform(const RunStep& effect);
  void perform(const KillTree& effect);
  void perform(const AwaitAnnouncement& effect);
  void perform(const StartProbe& effect);
  void perform(const StopProbe& effect);
  void perform(const Publish& effect);
  void perform(const Say& effect);
  void perform(const StartTimer& effect);
  void perform(const Leave& effect);

  Announcement::Handlers announcement_handlers();
  Probe::Handlers probe_handlers();
  void on_sight(const Sight& sight);
  void on_late(Sight sight);

  // We started with a terminal, and SIGHUP is not ignored. A SIGHUP without a terminal then means
  // that the terminal was closed.
  bool ends_with_terminal_;
  Project project_;
  Loop loop_;
  ServiceManager manager_;
  std::string url_;  // address of the site, as proxyd has told it
  bus::Publisher publisher_;
  Backend backend_;
  EventRunner<Event> events_{[this](const Event& event) { dispatch(event); }};
  JournalStreams streams_;
  Destinations destinations_{loop_};
  OutputLog output_log_;
  PortRelease port_release_;
  TreeKiller killer_;
  Announcement announcement_;
  Server server_;
  StepRunner steps_;
  ListenerOwner listener_owner_;
  Probe probe_;
  Timer timer_;  // the core's timer (StartTimer)
  Signals signals_;
  bus::Subscriber subscriber_;
};

}  // namespace hpp::supervisord
