// Pure. What a user can do about processes that hpp may not end (EPERM of kill(2)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::advice {

// `pid 1234 (sudo -n ./server) cannot be ended, because it belongs to another user. End it with
// sudo kill -9 1234`. `who` describes the processes; `pids` must not be empty.
std::string refused_kill_text(std::string_view who, const std::vector<std::int64_t>& pids);

}  // namespace hpp::advice
