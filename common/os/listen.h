// Listening sockets for an address of the command line.
#pragma once

#include <vector>

#include "common/address.h"
#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp {

// Listens on every address of `bind`, as listen_on. Throws std::runtime_error: the name is unknown,
// or the port is taken, and by whom.
std::vector<UniqueFd> listen_or_say_who(const Address& bind);

}  // namespace hpp
