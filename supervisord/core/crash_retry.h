// Pure. Decides whether the backend is started again after a crash that no save has caused
// (--retry).
//
// A crash before the first answer after a change is the change's fault: another start would crash,
// too. After any other crash the backend is started again, up to a number of times in a row. A
// change, a request for a restart, and a backend that has run for kCrashForgotten begin a new row.
//
// The reason may pass without a change: a database that is not up yet, a request that has met a
// rare fault. The pauses between the tries grow, so that a reason that does not pass costs little.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "common/bus/messages.h"
#include "common/time_point.h"

namespace hpp::supervisord {

// The pause before the first, the second, and each further try in a row.
constexpr std::array<std::chrono::milliseconds, 3> kRetryPauses{std::chrono::milliseconds{1'000},
                                                                std::chrono::milliseconds{2'000},
                                                                std::chrono::milliseconds{5'000}};

constexpr std::chrono::seconds kCrashForgotten{60};

class CrashRetry {
 public:
  // `most` is the number of tries in a row; 0: none.
  explicit CrashRetry(std::uint32_t most) : most_(most) {}

  // Continues where an earlier supervisord was, which has published `last`. `age` is how long the
  // backend has answered by now.
  void resume(const bus::BackendState& last, TimePoint now, std::chrono::milliseconds age);

  // Files have changed.
  void on_change();

  // The user requested a restart.
  void on_request() { tries_ = 0; }

  // The backend answers.
  void on_answer(TimePoint now);

  // The backend has crashed. Returns the facts for the snapshot, with a pause if another try is to
  // be made.
  bus::Retry on_crash(TimePoint now);

 private:
  std::uint32_t most_;
  std::uint64_t tries_ = 0;
  bool is_untried_ = false;            // no backend has answered since the newest change
  std::optional<TimePoint> answered_;  // when the backend answered first
};

}  // namespace hpp::supervisord
