#include "proxyd/backend_addresses.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace hpp::proxyd {

BackendAddresses::BackendAddresses(std::vector<SocketAddress> all)
    : all_(std::move(all)), in_use_(all_) {
  assert(!all_.empty());
}

bool BackendAddresses::is_in_use(const SocketAddress& address) const {
  return std::find(in_use_.begin(), in_use_.end(), address) != in_use_.end();
}

void BackendAddresses::accepted(const SocketAddress& address) {
  const auto found = std::find(in_use_.begin(), in_use_.end(), address);
  if (found != in_use_.end()) std::rotate(in_use_.begin(), found, in_use_.end());
}

bool BackendAddresses::restrict_to(std::string_view text) {
  std::vector<SocketAddress> wanted;
  std::copy_if(all_.begin(), all_.end(), std::back_inserter(wanted),
               [&](const SocketAddress& address) { return address.text() == text; });
  if (wanted.empty()) wanted = all_;
  const bool is_same =
      std::is_permutation(wanted.begin(), wanted.end(), in_use_.begin(), in_use_.end());
  if (is_same) return false;
  in_use_ = std::move(wanted);
  return true;
}

}  // namespace hpp::proxyd
