// Pure. Decides how long a start waits for orphaned connections: those that the dead backend has
// left on its port, and that wait for the other side to end them.
//
// The other side is mostly proxyd, which resets its connections when supervisord has published the
// kill, and then publishes that it has released the generation (ProxyState::released). The start
// waits for this report long enough to outlast a hang of the machine. Other connections may belong
// to a client that never ends them, so the start waits only briefly for these.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "supervisord/core/backend.h"

namespace hpp::supervisord {

constexpr std::chrono::milliseconds kWaitForClients{100};
constexpr std::chrono::milliseconds kWaitForProxyd{2'000};

class PortWait {
 public:
  // All processes of `generation` are dead; `state` is the backend's. proxyd reports that it has
  // released a generation only after supervisord has published the kill. No such report can be
  // awaited when supervisord starts, because proxyd may have released the generation long before,
  // when hpp stops, because proxyd stops as well, or while a failure is held back, because proxyd
  // does not know of it.
  void begin(Backend::State state, std::uint64_t generation, TimePoint now);

  // proxyd has released this generation and those before it.
  void on_released(std::uint64_t generation) { released_ = generation; }

  // Whether the start continues although there may be orphaned connections.
  bool is_over(TimePoint now) const;

 private:
  std::uint64_t awaited_ = 0;              // generation that proxyd is to release; 0: none
  std::optional<std::uint64_t> released_;  // nothing: there is no message of proxyd's yet
  TimePoint begun_{};
};

}  // namespace hpp::supervisord
