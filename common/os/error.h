// Exceptions and texts for failed system calls.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace hpp {

// Throws std::system_error from errno. `attempt` names the failed action, such as "cannot bind
// 127.0.0.1:8000".
[[noreturn]] inline void throw_errno(const std::string& attempt, int error = errno) {
  throw std::system_error(error, std::generic_category(), attempt);
}

// Returns the description of an errno value, such as "No such file or directory".
inline std::string error_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace hpp
