// Pure. How a process ended, and the words for it.
#pragma once

#include <string>

namespace hpp {

// What waitpid(2) tells of a process that ended.
struct ExitStatus {
  bool by_signal = false;
  int number = 0;  // exit status, or the signal's number

  bool operator==(const ExitStatus&) const = default;
};

// `exit code 1`, `signal 11 (Segmentation fault)`
std::string to_string(const ExitStatus& status);

}  // namespace hpp
