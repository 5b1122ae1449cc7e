// The addresses of the backend: which of them are in use, and in which order to try them.
#pragma once

#include <string_view>
#include <vector>

#include "common/os/socket_address.h"

namespace hpp::proxyd {

class BackendAddresses {
 public:
  // All are in use at first. There must be at least one.
  explicit BackendAddresses(std::vector<SocketAddress> all);

  // The addresses in use, in the order in which to try them: the last one that accepted a
  // connection comes first.
  const std::vector<SocketAddress>& in_order() const { return in_use_; }

  bool is_in_use(const SocketAddress& address) const;

  // The backend has accepted a connection there.
  void accepted(const SocketAddress& address);

  // From now on only the address with that text is in use; all of them if none has it. Returns
  // whether the choice has changed.
  bool restrict_to(std::string_view text);

  // Whether some of the addresses are not in use.
  bool is_restricted() const { return in_use_.size() < all_.size(); }

 private:
  std::vector<SocketAddress> all_;
  std::vector<SocketAddress> in_use_;
};

}  // namespace hpp::proxyd
