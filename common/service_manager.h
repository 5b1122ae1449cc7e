// The program that has started this one and restarts it when it crashes: hpp-launch, or systemd.
// Both speak the protocol of sd_notify(3) and sd_listen_fds(3).
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

// Started by neither, at a prompt, a program has no such manager: then nothing is stored, told or
// given back.
class ServiceManager {
 public:
  // Takes what the environment says of the manager out of it: the processes that this one starts
  // are not the manager's services. If hpp-launch ends, this process gets SIGTERM; the kernel sends
  // that only to a program without file capabilities (PR_SET_PDEATHSIG). `loop` must outlive this.
  explicit ServiceManager(Loop& loop);

  // Whether this program has such a manager.
  bool is_present() const { return socket_.is_open(); }

  // This program does what it is for (READY=1). From now on the manager hears of it as long as its
  // loop turns, if it wants to (WATCHDOG=1).
  void ready();

  // Asks the manager to keep duplicates of these descriptors under that name, beside those that it
  // has: should this program crash, the next one is given them. Nothing is lost but that if they
  // cannot be sent. The name has no colon (sd_pid_notify_with_fds(3)).
  void store(std::string_view name, const std::vector<int>& fds);

  // The manager closes what it keeps under that name.
  void forget(std::string_view name);

  // What a program that was here before has stored under that name, in the order in which it did.
  // Once: the caller has them now, and the manager keeps its duplicates.
  std::vector<UniqueFd> take(std::string_view name);

  // The same for listening stream sockets, which may be in blocking mode. Throws std::runtime_error
  // if a descriptor of that name is something else.
  std::vector<UniqueFd> take_listening(std::string_view name);

  // The living processes, without this one and its descendants, that programs which were here
  // before it have left behind, as the manager's order shows them: they hang below hpp-launch, or
  // are in the control group of this unit.
  std::vector<pid_t> orphans() const;

 private:
  void watch_launcher(Loop& loop);
  void send(std::string_view text, const std::vector<int>& fds = {});
  void show_life();

  UniqueFd socket_;
  std::optional<LaunchTree> launch_tree_;
  ProcessHandle launcher_;  // hpp-launch
  std::unique_ptr<FdWatch> launcher_ended_;
  Milliseconds watchdog_{0};  // 0: nobody watches
  std::vector<std::pair<std::string, UniqueFd>> stored_;
  Timer life_sign_;
};

}  // namespace hpp
