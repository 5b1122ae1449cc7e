#include "supervisord/job.h"

#include <fcntl.h>

#include <utility>

namespace hpp::supervisord {

Job::Job(Loop& loop, TreeKiller& killer, TreeKiller::Role role, const ChildRequest& request,
         OnEnd on_end)
    : killer_(killer),
      on_end_(std::move(on_end)),
      child_(loop, request, [this](ExitStatus status) { end(status); }) {
  killer_.add(role, pid());
}

Job::Job(Loop& loop, TreeKiller& killer, UniqueFd pidfd, pid_t pid, OnEnd on_end)
    : killer_(killer),
      on_end_(std::move(on_end)),
      child_(loop, std::move(pidfd), pid, [this](ExitStatus status) { end(status); }) {
  killer_.take_over(pid, UniqueFd(::fcntl(this->pidfd(), F_DUPFD_CLOEXEC, 0)));
}

void Job::end(ExitStatus status) {
  killer_.leader_ended(pid());
  on_end_(status);
  killer_.look();
}

}  // namespace hpp::supervisord
