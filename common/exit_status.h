// Pure. How a process ended, and the words for it.
#pragma once

#include <stdexcept>
#include <string>

namespace hpp {

// A program's own, beside 0, 1 and 2: a resource is missing that may be there a moment later
// (EX_TEMPFAIL of sysexits.h).
constexpr int kTemporaryFailure = 75;

// Thrown by a helper that cannot start now: it exits with kTemporaryFailure.
class CannotStartNow : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What waitpid(2) tells of a process that ended.
struct ExitStatus {
  bool by_signal = false;
  int number = 0;        // exit status, or the signal's number
  bool is_known = true;  // false: its parent has seen it, and nobody else could

  bool operator==(const ExitStatus&) const = default;
};

// From what waitpid(2) stores.
ExitStatus exit_status_of(int wait_status);

// `exit code 1`, `signal 11 (Segmentation fault)`, `unknown exit code`
std::string to_string(const ExitStatus& status);

}  // namespace hpp
