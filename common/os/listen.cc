#include "common/os/listen.h"

#include <fmt/format.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "common/os/process_tree.h"

namespace hpp {

std::vector<UniqueFd> listen_or_say_who(const Address& bind) {
  const std::vector<SocketAddress> addresses = resolve(bind);
  try {
    return listen_on(addresses);
  } catch (const std::system_error& error) {
    const std::string owner = describe_port_owner(addresses);
    if (error.code().value() != EADDRINUSE || owner.empty()) throw;
    throw std::runtime_error(
        fmt::format("cannot listen on {}: the port is held by {}", to_string(bind), owner));
  }
}

}  // namespace hpp
