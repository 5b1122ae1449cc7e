// Pure. A process's exit status, and its description.
#pragma once

#include <stdexcept>
#include <string>

namespace hpp {

// Exit status of a helper that cannot start because a resource is missing that may be available
// shortly (EX_TEMPFAIL in sysexits.h).
constexpr int kTemporaryFailure = 75;

// Thrown by a helper that cannot start now; the helper then exits with kTemporaryFailure.
class CannotStartNow : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// How a process ended, as reported by waitpid(2).
struct ExitStatus {
  bool by_signal = false;
  int number = 0;        // exit status, or the signal's number
  bool is_known = true;  // false: another process was the parent and has reaped it

  bool operator==(const ExitStatus&) const = default;
};

// Converts the status that waitpid(2) stores.
ExitStatus exit_status_of(int wait_status);

// `exit code 1`, `signal 11 (Segmentation fault)`, `unknown exit code`
std::string to_string(const ExitStatus& status);

}  // namespace hpp
