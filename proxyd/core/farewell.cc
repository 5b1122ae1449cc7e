#include "proxyd/core/farewell.h"

#include <algorithm>
#include <utility>

namespace hpp::proxyd {

std::optional<TimePoint> Farewell::closes_at(const Facts& facts, TimePoint now) {
  if (!std::exchange(is_begun_, true)) closes_at_ = now + kFinishMax;
  if (!facts.is_written) return closes_at_;
  if (facts.client_ended || (!awaits_fin_ && facts.all_is_read)) return std::nullopt;
  const bool begins_to_linger = !std::exchange(lingers_, true);
  if (begins_to_linger) latest_ = now + kLingerAllMax;
  if (begins_to_linger || facts.has_sent) closes_at_ = std::min(now + kLingerMax, latest_);
  return closes_at_;
}

}  // namespace hpp::proxyd
