// Listens on an address from the command line.
#pragma once

#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp {

// Listens on every address of `bind`, as listen_on(). Throws std::runtime_error if the host is
// unknown or if the port is in use; the text then names the process. `name` is the name under which
// the socket could have been passed in (sd_listen_fds(3)).
std::vector<UniqueFd> listen_or_say_who(const Address& bind, std::string_view name);

}  // namespace hpp
