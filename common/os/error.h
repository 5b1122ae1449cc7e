// How the shells report what the operating system refused.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace hpp {

// Throws std::system_error from errno; `attempt` says what was tried: "bind 127.0.0.1:8000".
[[noreturn]] inline void throw_errno(const std::string& attempt, int error = errno) {
  throw std::system_error(error, std::generic_category(), attempt);
}

// The words for an errno value: "No such file or directory".
inline std::string error_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace hpp
