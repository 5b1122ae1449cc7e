#include "common/os/lan_addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "common/os/socket_address.h"
#include "common/private_address.h"

namespace hpp {
namespace {

bool is_within_machine(std::string_view interface) {
  for (const std::string_view prefix :
       {"br-", "docker", "lxc", "podman", "veth", "virbr", "vmnet"}) {
    if (interface.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> lan_addresses() {
  ifaddrs* found = nullptr;
  if (::getifaddrs(&found) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(found, &::freeifaddrs);
  std::vector<std::string> result;
  for (const ifaddrs* one = list.get(); one != nullptr; one = one->ifa_next) {
    if ((one->ifa_flags & IFF_UP) == 0 || is_within_machine(one->ifa_name)) continue;
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    SocketAddress address{.length = sizeof(sockaddr_in)};
    std::memcpy(&address.storage, one->ifa_addr, sizeof(sockaddr_in));
    if (is_private_address(address.ip())) result.push_back(address.ip());
  }
  return result;
}

}  // namespace hpp
