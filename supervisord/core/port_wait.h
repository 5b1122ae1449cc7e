// Pure. Decides how long a start waits for orphaned connections: those that the dead backend has
// left on its port, and that wait for the other side to end them.
//
// The other side is mostly proxyd, which resets its connections as soon as it hears of the kill,
// and then says so (ProxyState::let_go). Its connections are waited for until a hang of the machine
// would be over. Others may belong to a client that never ends them, and get a short time.
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
  // or when hpp stops, because proxyd stops as well.
  void begin(Backend::State state, std::uint64_t generation, TimePoint now);

  // proxyd has released this generation and those before it.
  void on_released(std::uint64_t generation) { released_ = generation; }

  // Whether the start goes on although there may be orphans.
  bool is_over(TimePoint now) const;

 private:
  std::uint64_t awaited_ = 0;              // generation that proxyd is to release; 0: none
  std::optional<std::uint64_t> released_;  // nothing: there is no message of proxyd's yet
  TimePoint begun_{};
};

}  // namespace hpp::supervisord
