// Pure. Reads the environment variables of a service manager: descriptors passed to this process
// (sd_listen_fds(3)), and the time of its watchdog (sd_watchdog_enabled(3)).
//
// libsystemd is not used, because it has no static library, and because some distributions do not
// have it at all.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace hpp {

// The number of the first descriptor that is passed. The others follow without a gap.
constexpr int kListenFdsStart = 3;

// The value of an environment variable, if it is set.
using Variable = std::optional<std::string>;

struct ListenVariables {
  Variable pid;    // LISTEN_PID
  Variable count;  // LISTEN_FDS
  Variable names;  // LISTEN_FDNAMES: names, separated by colons
};

// Returns the name of each passed descriptor, in order. Returns nothing if the variables are for
// another process, or if they are malformed.
std::vector<std::string> names_of_passed(const ListenVariables& variables, pid_t own_pid);

struct WatchdogVariables {
  Variable pid;           // WATCHDOG_PID; unset: the variables are for every process
  Variable microseconds;  // WATCHDOG_USEC
};

// Returns the watchdog's time; 0 if there is no watchdog for this process.
std::chrono::milliseconds watchdog_time(const WatchdogVariables& variables, pid_t own_pid);

}  // namespace hpp
