// Shell. Listening sockets that outlive proxyd: who connects while there is none waits in their
// backlog for the next.
#pragma once

#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/os/unique_fd.h"
#include "common/service_manager.h"

namespace hpp::proxyd {

// Listens on every address of `bind`: on the sockets that an earlier proxyd has left with `manager`
// under `name`, or else on new ones, which `manager` is given. Throws as listen_or_say_who and
// take_listening.
std::vector<UniqueFd> listen_for_good(ServiceManager& manager, std::string_view name,
                                      const Address& bind);

}  // namespace hpp::proxyd
