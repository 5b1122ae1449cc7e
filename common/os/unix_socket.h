// Unix sockets at a path (unix(7)).
#pragma once

#include <optional>
#include <string>

#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp {

// Returns nothing if the path is too long.
std::optional<SocketAddress> unix_address(const std::string& path);

// Returns a socket of that type (socket(2)) that is bound to the path, non-blocking and
// close-on-exec. Replaces a socket that a dead process has left there, so only one process may use
// the path. Throws std::system_error.
UniqueFd bind_unix_socket(const std::string& path, int type);

// Returns a non-blocking socket of that type that is connected to the one at the path. Such a
// connection is established at once, or not at all. If it is not, the result is closed, and errno
// is set.
UniqueFd connect_unix_socket(const std::string& path, int type);

// Whether the process at the other end of the connection runs as this user.
bool is_peer_this_user(int fd);

}  // namespace hpp
