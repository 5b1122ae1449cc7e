// Pure. Records the last starts of the backend, with the times of their steps, for `/__hpp/`.
#pragma once

#include <cstdint>
#include <deque>

#include "common/bus/messages.h"

namespace hpp::proxyd {

constexpr std::size_t kStartsKept = 20;

// One start. Times are milliseconds since the Unix epoch; 0: this step has not happened.
struct Start {
  std::uint64_t generation = 0;
  bus::Cause cause;
  std::int64_t killed_at_ms = 0;  // when the previous backend was gone
  std::int64_t spawned_at_ms = 0;
  std::int64_t ready_at_ms = 0;
  std::int64_t first_byte_at_ms = 0;       // when its first answer to a request began
  std::int64_t ended_at_ms = 0;            // when it exited by itself; otherwise 0
  std::optional<bus::BackendExit> exit{};  // how it exited, or why it could not be started
  std::string problem;
  bus::Start how;  // warm or cold

  bool operator==(const Start&) const = default;
};

class History {
 public:
  // Records supervisord's newest report. A start without any report is not recorded.
  void on(const bus::BackendState& backend);

  // Whether `generation` is the newest start, and answered() was not called for it yet.
  bool awaits_answer(std::uint64_t generation) const {
    return !starts_.empty() && starts_.front().generation == generation &&
           starts_.front().first_byte_at_ms == 0;
  }

  // The backend of this generation has begun to answer a request.
  void answered(std::uint64_t generation, std::int64_t now_ms);

  // Returns the recorded starts, the newest first.
  const std::deque<Start>& starts() const { return starts_; }

 private:
  std::deque<Start> starts_;
};

}  // namespace hpp::proxyd
