// Shell. Owns the end of the backend's processes: kills them until none is left, and knows when.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
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
  // What the backend's group gets first, and how long it may take to end then. SIGKILL: at once.
  struct Manners {
    int signal = SIGKILL;
    Milliseconds patience{0};
  };

  // Tells of living processes that are none of our descendants and are to die, too.
  using FindStrays = std::function<std::vector<pid_t>()>;

  // The processes that live on after some time because this user may not signal them.
  using OnRefused = std::function<void(const std::vector<pid_t>&)>;

  // `tag_prefix`: what HPP_BACKEND of every backend of this run directory begins with. `strays`:
  // whom an earlier supervisord left that may have no tag. `daemons`: whom to spare. `on_gone`
  // answers kill(); `on_refused` may come before that, once. `loop` must outlive this.
  TreeKiller(Loop& loop, std::string tag_prefix, FindStrays strays, BuildDaemons daemons,
             Manners manners, std::function<void()> on_gone, OnRefused on_refused);

  // The backend's first process, a child of ours that leads its group. Its owner reaps it, and then
  // calls first_ended() and look(). The one before it must be gone: on_gone was called.
  void set_first(pid_t first);

  // The owner of the first process has learned of its end. A zombie that a tracer keeps is reaped
  // by look() when the tracer lets it go.
  void first_ended();

  // Sends a signal to the group of the first process, if that has members.
  void signal_first(int number) const;

  // The first process of a build, in a group of its own, beside a backend or without one. Its owner
  // reaps it, and then calls builder_ended() and look(): what it has left running is found as a
  // descendant.
  void set_builder(pid_t builder);

  void builder_ended() { builder_.reset(); }

  // set_first for one that an earlier supervisord has started. What is below it will be found by
  // its tag, or as a stray.
  void take_over(pid_t first, UniqueFd pidfd);

  // All processes of the backend and of a build that are known to live. No build daemons.
  std::vector<pid_t> processes() const;

  // Sends SIGKILL to all, with all manners; on_gone is called once, perhaps before this returns.
  // Begins again if that has not come yet.
  void kill();

  // Reaps who ended, and sees who is left if they are being killed.
  void look();

 private:
  void kill_now();
  void forget_first();
  IsSpared is_spared() const;
  std::vector<pid_t> descendants() const;
  std::vector<pid_t> left_by_others() const;
  std::vector<pid_t> unknown_leftovers() const;
  bool kill_leftovers();
  void kill_escaped();
  bool are_zombies_of_tracers();
  void tell_of_slow();
  void on_recheck();
  void finish();

  std::string tag_prefix_;
  FindStrays strays_;
  BuildDaemons daemons_;
  Manners manners_;
  std::function<void()> on_gone_;
  OnRefused on_refused_;
  std::optional<ProcessGroup> first_;  // until nothing is left of it
  bool is_first_owned_ = false;        // its owner still has to reap it
  std::optional<ProcessGroup> builder_;
  bool killing_ = false;
  bool asking_ = false;                   // the first process may still end by itself
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
