// Shell. Owns a process that supervisord runs, in a process group that the killer knows.
#pragma once

#include <sys/types.h>

#include <functional>

#include "common/event/loop.h"
#include "common/os/child.h"
#include "common/os/unique_fd.h"
#include "supervisord/tree_killer.h"

namespace hpp::supervisord {

// To destroy it neither kills nor reaps the process. In `on_end`, Loop::bury() does that.
class Job {
 public:
  using OnEnd = std::function<void(ExitStatus)>;

  // Starts the process. `request` has to give it a group of its own. When it has ended and is
  // reaped, `on_end` is called, and then the killer looks who is left. Throws as Child does.
  // `killer` must outlive this.
  Job(Loop& loop, TreeKiller& killer, TreeKiller::Role role, const ChildRequest& request,
      OnEnd on_end);

  // Takes over a server that an earlier supervisord has started.
  Job(Loop& loop, TreeKiller& killer, UniqueFd pidfd, pid_t pid, OnEnd on_end);

  pid_t pid() const { return child_.pid(); }

  int pidfd() const { return child_.pidfd(); }

 private:
  void end(ExitStatus status);

  TreeKiller& killer_;
  OnEnd on_end_;
  Child child_;
};

}  // namespace hpp::supervisord
