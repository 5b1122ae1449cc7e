#include "proxyd/listening_sockets.h"

#include <algorithm>

#include "common/os/listen.h"
#include "common/os/socket_address.h"

namespace hpp::proxyd {
namespace {

bool belong_to(const std::vector<UniqueFd>& sockets, const Address& bind) {
  const std::vector<SocketAddress> wanted = resolve(bind);
  return std::all_of(sockets.begin(), sockets.end(), [&](const UniqueFd& socket) {
    const std::string bound = local_address(socket.get()).text();
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const SocketAddress& address) { return address.text() == bound; });
  });
}

}  // namespace

std::vector<UniqueFd> listen_for_good(ServiceManager& manager, std::string_view name,
                                      const Address& bind) {
  std::vector<UniqueFd> sockets = manager.take_listening(name);
  if (!sockets.empty()) {
    if (belong_to(sockets, bind)) return sockets;
    // Under systemd, the address in the command line may have changed since the sockets were
    // stored.
    manager.forget(name);
    sockets.clear();
  }
  sockets = listen_or_say_who(bind, name);
  std::vector<int> fds;
  fds.reserve(sockets.size());
  for (const UniqueFd& socket : sockets) fds.push_back(socket.get());
  manager.store(name, fds);
  return sockets;
}

}  // namespace hpp::proxyd
