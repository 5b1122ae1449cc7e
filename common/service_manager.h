// The program that has started this one and restarts it if it crashes: hpp-launch or systemd. Both
// use the protocols of sd_notify(3) and sd_listen_fds(3).
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/launch_tree.h"
#include "common/os/process_handle.h"
#include "common/os/unique_fd.h"

namespace hpp {

// A program that was started at a prompt has no service manager. The methods then do nothing and
// return nothing.
class ServiceManager {
 public:
  // Reads the manager's environment variables and removes them, because the processes that this
  // program starts are not the manager's services. If hpp-launch ends, this process gets SIGTERM.
  // The kernel would not send it to a program with file capabilities (PR_SET_PDEATHSIG), so this
  // class watches hpp-launch itself. `loop` must outlive this object.
  explicit ServiceManager(Loop& loop);

  // Whether this program has a service manager.
  bool is_present() const { return socket_.is_open(); }

  // Reports that this program is ready (READY=1). From then on, if the manager asks for it, reports
  // regularly that the event loop runs (WATCHDOG=1).
  void ready();

  // Asks the manager to keep duplicates of these descriptors under that name, in addition to those
  // stored earlier. If this program crashes, the manager passes them to the next one. If they
  // cannot be sent, there is no error; the next one just does not get them. The name must not
  // contain a colon (sd_pid_notify_with_fds(3)).
  void store(std::string_view name, const std::vector<int>& fds);

  // Asks the manager to close the descriptors that it keeps under that name.
  void forget(std::string_view name);

  // Asks the manager to close all descriptors of this program's predecessors that were not taken,
  // and closes them here.
  void forget_untaken();

  // Returns the descriptors that this program's predecessors have stored under that name. systemd
  // does not keep the order in which they were stored. Call once per name: ownership passes to the
  // caller. The manager keeps its duplicates.
  std::vector<UniqueFd> take(std::string_view name);

  // Like take(), for listening stream sockets; they may be in blocking mode. Throws
  // std::runtime_error if a descriptor of that name is not a listening stream socket.
  std::vector<UniqueFd> take_listening(std::string_view name);

  // Returns the living processes that this program's predecessors have left behind: descendants of
  // hpp-launch, or members of this unit's control group. Does not return this process and its
  // descendants.
  std::vector<pid_t> orphans() const;

 private:
  void watch_launcher(Loop& loop);
  void send(std::string_view text, const std::vector<int>& fds = {});
  void show_life();

  UniqueFd socket_;
  std::optional<LaunchTree> launch_tree_;
  ProcessHandle launcher_;  // hpp-launch
  std::unique_ptr<FdWatch> launcher_ended_;
  Milliseconds watchdog_{0};  // 0: the manager has no watchdog
  std::vector<std::pair<std::string, UniqueFd>> stored_;
  Timer life_sign_;
};

}  // namespace hpp
