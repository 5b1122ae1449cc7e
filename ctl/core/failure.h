// Pure. The errors of hpp-ctl, with their exit statuses.
#pragma once

#include <stdexcept>
#include <string>

namespace hpp::ctl {

// The exit statuses of every command, see hpp-ctl(1).
enum class CommandStatus {
  Done = 0,
  Failed = 1,
  Usage = 2,
  TimedOut = 3,
  NothingRuns = 4,  // there is no such instance, or it has ended
  TryAgain = 75,    // a helper does not run at the moment (EX_TEMPFAIL of sysexits.h)
};

// An error that a program may want to distinguish. All other exceptions mean CommandStatus::Failed.
class Failure : public std::runtime_error {
 public:
  Failure(CommandStatus with_status, const std::string& message)
      : std::runtime_error(message), status(with_status) {}

  const CommandStatus status;
};

// Returns `{"live":false,"reason":"timed_out","message":…}` and a newline, for `wait --json`.
std::string failure_json(CommandStatus status, const std::string& message);

}  // namespace hpp::ctl
