#include "proxyd/core/farewell.h"

#include <algorithm>
#include <utility>

namespace hpp::proxyd {

Farewell::TimePoint Farewell::closes_at(bool is_written, bool has_sent, TimePoint now) {
  if (!std::exchange(is_begun_, true)) closes_at_ = now + kFinishMax;
  if (!is_written) return closes_at_;
  const bool begins_to_linger = !std::exchange(lingers_, true);
  if (begins_to_linger) latest_ = now + kLingerAllMax;
  if (begins_to_linger || has_sent) closes_at_ = std::min(now + kLingerMax, latest_);
  return closes_at_;
}

}  // namespace hpp::proxyd
