// Shell. Owns the end of the backend's processes: kills them until none is left, and knows when.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "common/event/loop.h"
#include "common/event/signals.h"
#include "common/event/timer.h"
#include "common/os/build_daemons.h"
#include "common/os/process_handle.h"
#include "common/os/process_tree.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// This process is the reaper of all its descendants (PR_SET_CHILD_SUBREAPER): whoever loses its
// parent becomes our child, and all our children are the backend's or a build's (init.h). So none
// is left exactly when waitid(2) says that we have no children; a process that called setsid or
// forked twice cannot hide from that. It costs a microsecond, and the plain case, a process that
// dies with its group, needs nothing else. Only who escaped from the group must be looked for in
// /proc (a millisecond per hundred processes; the `children` files of proc(5) would be cheaper, but
// they are per thread, may miss some, and not every kernel has them).
//
// A zombie that a debugger keeps (ptrace(2)) holds no port and no memory, and is not waited for.
//
// Build daemons are spared. While one lives we do have a child, and /proc must show that no other
// is left (are_all_spared).
//
// What an earlier supervisord left behind is no descendant of ours; it is found by its tag, and by
// where the service manager sees it.
class TreeKiller {
 public:
  // The signal that servers get first, and how long they may take to end then. SIGKILL: at once.
  struct Manners {
    int signal = SIGKILL;
    Milliseconds patience{0};
  };

  // What a process that we run is for.
  enum class Role {
    Server,  // its group gets Manners::signal first, and is known for as long as it has a member
    Step,    // its group gets SIGKILL, and is forgotten with its leader: build daemons may remain
  };

  // Tells of living processes that are none of our descendants and are to die, too.
  using FindOrphans = std::function<std::vector<pid_t>()>;

  // The processes that live on after some time because this user may not signal them.
  using OnRefused = std::function<void(const std::vector<pid_t>&)>;

  // `tag_prefix`: what HPP_BACKEND of every backend of this run directory begins with. `orphans`:
  // whom an earlier supervisord left that may have no tag. `daemons`: whom to spare. `on_gone`
  // answers kill(); `on_refused` may come before that, once. `loop` must outlive this.
  TreeKiller(Loop& loop, std::string tag_prefix, FindOrphans orphans, BuildDaemons daemons,
             Manners manners, std::function<void()> on_gone, OnRefused on_refused);

  // A child of ours that leads a group of its own. Its owner reaps it, and then calls
  // leader_ended() and look(), as a Job does.
  void add(Role role, pid_t leader);

  // add() for a server that an earlier supervisord has started. Its descendants are found by their
  // tags, or as orphans.
  void take_over(pid_t leader, UniqueFd pidfd);

  // The owner has learned of the end. A zombie that a tracer keeps is reaped by look() when the
  // tracer lets it go.
  void leader_ended(pid_t leader);

  // Sends a signal to the groups of servers.
  void signal_servers(int number) const;

  // All processes of the backend and of a build that are known to live. No build daemons.
  std::vector<pid_t> processes() const;

  // Sends SIGKILL to all, with all manners; on_gone is called once, perhaps before this returns.
  // Begins again if that has not come yet.
  void kill();

  // Reaps who ended, and sees who is left if they are being killed.
  void look();

 private:
  struct Group {
    Role role = Role::Server;
    bool is_owned = false;  // the leader's owner still has to reap it
    ProcessGroup processes;
  };

  void kill_now();
  void forget_gone();
  bool is_alive(Role role) const;
  std::vector<pid_t> owned_leaders() const;
  IsSpared is_spared() const;
  std::vector<pid_t> descendants() const;
  std::vector<pid_t> left_by_others() const;
  std::vector<pid_t> unknown_leftovers() const;
  bool kill_leftovers();
  bool kill_escaped();
  bool are_zombies_of_tracers();
  void tell_of_slow();
  void on_recheck();
  void finish();

  std::string tag_prefix_;
  FindOrphans orphans_;
  BuildDaemons daemons_;
  Manners manners_;
  std::function<void()> on_gone_;
  OnRefused on_refused_;
  std::vector<Group> groups_;
  bool killing_ = false;
  bool asking_ = false;                   // servers may still end by themselves
  bool leftovers_possible_ = true;        // until the first kill is done
  std::vector<ProcessHandle> leftovers_;  // are no children of ours
  bool slow_told_ = false;
  std::vector<pid_t> held_told_;  // zombies whose tracers were named
  TimePoint begun_;
  std::chrono::milliseconds recheck_after_{};
  Signals child_signal_;
  Timer recheck_;
  Timer patience_;
};

}  // namespace hpp::supervisord
