// Shell. Finds out how much memory a new process can use.
#pragma once

#include <cstdint>
#include <optional>

namespace hpp::supervisord {

// Returns the available memory in bytes: the machine's, or what the limits of our control group
// leave (cgroups(7), version 2) if that is less. Nothing: not known.
std::optional<std::uint64_t> available_memory();

}  // namespace hpp::supervisord
