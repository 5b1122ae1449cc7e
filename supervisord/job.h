// Shell. Owns a process that supervisord runs, and registers its process group with the killer.
#pragma once

#include <sys/types.h>

#include <functional>

#include "common/event/child.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"
#include "supervisord/tree_killer.h"

namespace hpp::supervisord {

// The destructor neither kills nor reaps the process. A Job must not be destroyed directly in
// `on_end`; Loop::bury() defers that.
class Job {
 public:
  using OnEnd = std::function<void(ExitStatus)>;

  // Starts the process. `request` must give the process its own group. When the process has ended
  // and has been reaped, `on_end` is called, and then TreeKiller::look(). Throws the exceptions of
  // Child. `killer` must outlive this.
  Job(Loop& loop, TreeKiller& killer, TreeKiller::Role role, const ChildRequest& request,
      OnEnd on_end);

  // Takes over a backend that an earlier supervisord has started.
  Job(Loop& loop, TreeKiller& killer, UniqueFd pidfd, pid_t pid, OnEnd on_end);

  // Another owner takes over: `on_end` is called from now on.
  void hand_over(OnEnd on_end) { on_end_ = std::move(on_end); }

  pid_t pid() const { return child_.pid(); }

  int pidfd() const { return child_.pidfd(); }

 private:
  void end(ExitStatus status);

  TreeKiller& killer_;
  OnEnd on_end_;
  Child child_;
};

}  // namespace hpp::supervisord
