// Shell. Listening sockets that outlive proxyd: while proxyd is being restarted, clients wait in
// their backlog instead of being refused.
#pragma once

#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/os/unique_fd.h"
#include "common/service_manager.h"

namespace hpp::proxyd {

// Listens on every address of `bind`. Takes the sockets that a previous proxyd has stored with
// `manager` under `name`; if there are none, makes new ones and stores them. Throws the same
// exceptions as listen_or_say_who and take_listening.
std::vector<UniqueFd> listen_for_good(ServiceManager& manager, std::string_view name,
                                      const Address& bind);

}  // namespace hpp::proxyd
