// Shell. Formats a time for the user, in the time zone of the environment.
#pragma once

#include <cstdint>
#include <string>

namespace hpp::ctl {

// `14:03:07.042`. `at_ms` is in milliseconds since the Unix epoch.
std::string clock_time(std::int64_t at_ms);

}  // namespace hpp::ctl
