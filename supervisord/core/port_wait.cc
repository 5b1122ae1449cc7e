#include "supervisord/core/port_wait.h"

namespace hpp::supervisord {

void PortWait::begin(Backend::State state, std::uint64_t generation, TimePoint now) {
  using enum Backend::State;
  const bool is_told = state != Starting && state != Stopping && state != Failing;
  awaited_ = is_told ? generation : 0;
  begun_ = now;
}

bool PortWait::is_over(TimePoint now) const {
  const bool is_proxyds = released_ && *released_ < awaited_;
  return now - begun_ >= (is_proxyds ? kWaitForProxyd : kWaitForClients);
}

}  // namespace hpp::supervisord
