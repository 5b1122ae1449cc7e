// Pure. Fills the port of the server into its command.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hpp {

// Replaces each `{PORT}` in the words by the port. Leaves `${PORT}` as it is, because a shell that
// the command runs will replace that.
void fill_in_port(std::vector<std::string>& command, std::uint16_t port);

}  // namespace hpp
