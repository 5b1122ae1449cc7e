// Listens on an address from the command line.
#pragma once

#include <vector>

#include "common/address.h"
#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp {

// Listens on every address of `bind`, as listen_on(). Throws std::runtime_error if the name is
// unknown or if the port is in use; the text then names the process.
std::vector<UniqueFd> listen_or_say_who(const Address& bind);

}  // namespace hpp
