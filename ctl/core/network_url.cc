#include "ctl/core/network_url.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/address.h"

namespace hpp::ctl {

std::optional<std::string> network_url(const std::vector<std::string>& listening,
                                       const std::vector<std::string>& own) {
  for (const std::string& text : listening) {
    const Address address = parse_address(text);
    const bool is_own = std::find(own.begin(), own.end(), address.host) != own.end();
    if (is_wildcard(address.host) && !own.empty()) {
      return fmt::format("http://{}:{}/", own.front(), address.port);
    }
    if (is_own) return fmt::format("http://{}/", text);
  }
  return std::nullopt;
}

}  // namespace hpp::ctl
