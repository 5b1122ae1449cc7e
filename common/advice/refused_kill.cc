#include "common/advice/refused_kill.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hpp::advice {

std::string refused_kill_text(std::string_view who, const std::vector<std::int64_t>& pids) {
  const bool is_one = pids.size() == 1;
  return fmt::format("{} cannot be ended, because {} to another user. End {} with sudo kill -9 {}",
                     who, is_one ? "it belongs" : "they belong", is_one ? "it" : "them",
                     fmt::join(pids, " "));
}

}  // namespace hpp::advice
