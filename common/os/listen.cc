#include "common/os/listen.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "common/os/port_owner.h"

namespace hpp {

std::vector<UniqueFd> listen_or_say_who(const Address& bind, std::string_view name) {
  const std::vector<SocketAddress> addresses = resolve(bind);
  try {
    return listen_on(addresses);
  } catch (const std::system_error& error) {
    const auto owner = find_port_owner(addresses);
    if (error.code().value() != EADDRINUSE || !owner) throw;
    if (owner->pid == ::getpid()) {
      throw std::runtime_error(fmt::format(
          "cannot listen on {0}: a socket that listens there was passed in, but not under the name "
          "{1}. Give it that name: systemd-socket-activate --fdname={1}, or FileDescriptorName={1} "
          "in a systemd unit",
          to_string(bind), name));
    }
    throw std::runtime_error(
        fmt::format("cannot listen on {}: the port is in use by {}. End it, or choose another port",
                    to_string(bind), owner->text));
  }
}

}  // namespace hpp
