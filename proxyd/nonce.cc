#include "proxyd/nonce.h"

#include <fmt/format.h>

#include "common/bus/publisher.h"

namespace hpp::proxyd {

std::string random_nonce() {
  return fmt::format("{:016x}{:016x}", bus::random_epoch(), bus::random_epoch());
}

}  // namespace hpp::proxyd
