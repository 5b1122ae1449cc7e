#include "proxyd/core/crash_requests.h"

#include <fmt/format.h>

namespace hpp::proxyd {

void CrashRequests::on(std::uint64_t generation, const std::string& shown) {
  if (generation < generation_) return;
  if (generation > generation_) {
    generation_ = generation;
    first_ = shown;
    count_ = 0;
  }
  ++count_;
}

std::string CrashRequests::text(std::uint64_t generation) const {
  if (generation_ == 0 || generation != generation_) return "";
  if (count_ == 1) return first_;
  return fmt::format("{} and {} more request{}", first_, count_ - 1, count_ == 2 ? "" : "s");
}

}  // namespace hpp::proxyd
