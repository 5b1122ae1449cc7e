// Shell. Proposes the command for a project, and writes hpp.toml.
#pragma once

#include <optional>

namespace hpp::launch {

// Handles `hpp-launch` alone in a folder without hpp.toml, and `hpp-launch --init`: prints a
// proposal, or creates hpp.toml. Returns the exit status: 0 if hpp.toml was created, 2 otherwise.
// Returns nothing for any other command line.
std::optional<int> propose(int argc, const char* const* argv);

}  // namespace hpp::launch
