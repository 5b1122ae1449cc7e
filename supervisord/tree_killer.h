// Shell. Kills all processes of the backend, and reports when none is left.
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

// This process is the reaper of all its descendants (PR_SET_CHILD_SUBREAPER). A descendant that
// loses its parent becomes our child, and all our children belong to the backend or to a build
// (init.h). Therefore no process is left if and only if waitid(2) reports that we have no children.
// A process cannot hide from that by calling setsid(2) or by forking twice. The call takes a
// microsecond, and a process that dies with its group needs nothing else. A process that has left
// the group must be found in /proc, which takes a millisecond per hundred processes.
//
// A zombie that a debugger keeps (ptrace(2)) holds no port and no memory. The killer does not wait
// for it.
//
// Build daemons are not killed, and a spare (core/spare.h) outlives the backend before it. While
// one of them lives, we do have a child, and our list of children must show that no other process
// is left (are_all_spared).
//
// Processes that an earlier supervisord left behind are no descendants of this process. They are
// found by their tag, or reported by the service manager (FindOrphans).
class TreeKiller {
 public:
  // The signal that is sent to servers first, and how long they may take to end before SIGKILL
  // follows. If `signal` is SIGKILL, `patience` has no effect.
  struct Manners {
    int signal = SIGKILL;
    Milliseconds patience{0};
  };

  // The purpose of a process that we run.
  enum class Role {
    Server,  // the group gets Manners::signal first, and is tracked until its last member ends
    Step,    // the group gets SIGKILL, and is tracked until its leader ends: build daemons may stay
    Spare,   // neither killed nor waited for, until promote_spare() or discard_spare()
  };

  // Returns living processes that must be killed although they are not our descendants.
  using FindOrphans = std::function<std::vector<pid_t>()>;

  // Receives the processes that are still alive after some time because this user may not signal
  // them.
  using OnRefused = std::function<void(const std::vector<pid_t>&)>;

  // `tag_prefix` is the common prefix of HPP_BACKEND in all backends of this run directory.
  // `orphans` finds processes that an earlier supervisord left, with or without a tag. `daemons`
  // are not killed. `on_gone` answers kill(); `on_refused` may be called before that, once per
  // kill(). `loop` must outlive this.
  TreeKiller(Loop& loop, std::string tag_prefix, FindOrphans orphans, BuildDaemons daemons,
             Manners manners, std::function<void()> on_gone, OnRefused on_refused);

  // Processes whose environment had the entry `NAME=value` of `tag` at their start belong to the
  // spare that is added next. Its descendants do in any case.
  void expect_spare(std::string tag) { spare_tag_ = std::move(tag); }

  // The spare becomes the server.
  void promote_spare();

  // Kills the spare's group. The rest of its processes die with the next kill().
  void discard_spare();

  // Returns the living processes of the spare.
  std::vector<pid_t> spare_processes() const;

  // Tracks the group of `leader`, a child of this process that leads its own group. The owner of
  // the child reaps it, and then calls leader_ended() and look(), as Job does.
  void add(Role role, pid_t leader);

  // Like add(), for a server that an earlier supervisord has started. Its descendants are found by
  // their tag, or as orphans.
  void take_over(pid_t leader, UniqueFd pidfd);

  // To be called by the owner when the leader has ended. If a tracer keeps the zombie, look() reaps
  // it when the tracer releases it.
  void leader_ended(pid_t leader);

  // Sends a signal to the groups of servers.
  void signal_servers(int number) const;

  // Returns all living processes of the backend and of a build, without build daemons and without a
  // spare.
  std::vector<pid_t> processes() const;

  // Kills all processes: sends Manners::signal to servers, and later SIGKILL to every process.
  // `on_gone` is called once, possibly before this returns. If an earlier kill is still in
  // progress, it starts again.
  void kill();

  // Reaps processes that have ended. During a kill, also checks which ones are left.
  void look();

 private:
  struct Group {
    Role role = Role::Server;
    bool is_owned = false;  // the leader's owner still has to reap it
    ProcessGroup processes;
  };

  void kill_now();
  void forget_gone();
  Group* spare();
  bool is_alive(Role role) const;
  std::vector<pid_t> owned_leaders() const;
  IsSpared is_spared() const;
  std::vector<pid_t> descendants() const;
  std::vector<pid_t> left_by_others() const;
  std::vector<pid_t> unknown_leftovers() const;
  bool kill_leftovers();
  bool kill_escaped();
  bool are_zombies_of_tracers();
  void report_slow();
  void on_recheck();
  void finish();

  std::string tag_prefix_;
  std::string spare_tag_;  // `NAME=value`; empty: there is no spare
  FindOrphans orphans_;
  BuildDaemons daemons_;
  Manners manners_;
  std::function<void()> on_gone_;
  OnRefused on_refused_;
  std::vector<Group> groups_;
  bool killing_ = false;
  bool asking_ = false;  // Manners::signal was sent, and servers may still end by themselves
  bool leftovers_possible_ = true;        // until the first kill is done
  std::vector<ProcessHandle> leftovers_;  // processes to kill that are not our children
  bool slow_reported_ = false;
  std::vector<pid_t> logged_zombies_;  // zombies whose tracers were logged
  TimePoint begun_;
  std::chrono::milliseconds recheck_after_{};
  Signals child_signal_;
  Timer recheck_;
  Timer patience_;
};

}  // namespace hpp::supervisord
