// Pure. Finds the URL under which other machines of the local network reach an instance.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hpp::ctl {

// `listening`: ProxyState::listening. `own`: the addresses of this machine (lan_addresses()).
// Nothing: the instance listens only on this machine, or `own` is empty.
std::optional<std::string> network_url(const std::vector<std::string>& listening,
                                       const std::vector<std::string>& own);

}  // namespace hpp::ctl
