#include "common/exit_status.h"

#include <fmt/format.h>

#include <cstring>

namespace hpp {

std::string to_string(const ExitStatus& status) {
  if (!status.by_signal) return fmt::format("exit code {}", status.number);
  const char* words = ::sigdescr_np(status.number);
  if (words == nullptr) return fmt::format("signal {}", status.number);
  return fmt::format("signal {} ({})", status.number, words);
}

}  // namespace hpp
