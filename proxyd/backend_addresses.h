// Keeps the backend's addresses: which of them are in use, and in which order to try them.
#pragma once

#include <string_view>
#include <vector>

#include "common/os/socket_address.h"

namespace hpp::proxyd {

class BackendAddresses {
 public:
  // At first, all addresses are in use. There must be at least one.
  explicit BackendAddresses(std::vector<SocketAddress> all);

  // The addresses in use, in the order in which to try them: the last one that accepted a
  // connection comes first.
  const std::vector<SocketAddress>& in_order() const { return in_use_; }

  bool is_in_use(const SocketAddress& address) const;

  // Called when the backend has accepted a connection at this address.
  void accepted(const SocketAddress& address);

  // From now on, uses only the address with this text, or all addresses if none has it. Returns
  // whether this changes the addresses in use.
  bool restrict_to(std::string_view text);

  // Whether some of the addresses are not in use.
  bool is_restricted() const { return in_use_.size() < all_.size(); }

 private:
  std::vector<SocketAddress> all_;
  std::vector<SocketAddress> in_use_;
};

}  // namespace hpp::proxyd
