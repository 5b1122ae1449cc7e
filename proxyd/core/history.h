// Pure. The last starts of the backend, each with the time of its steps, for the page `/__hpp/`.
#pragma once

#include <cstdint>
#include <deque>

#include "common/bus/messages.h"

namespace hpp::proxyd {

constexpr std::size_t kStartsKept = 20;

// Times are milliseconds since the Unix epoch; 0: it has not come to that.
struct Start {
  std::uint64_t generation = 0;
  bus::Cause cause;
  std::int64_t killed_at_ms = 0;  // the one before it was gone
  std::int64_t spawned_at_ms = 0;
  std::int64_t ready_at_ms = 0;
  std::int64_t first_byte_at_ms = 0;       // of its first answer to a request
  std::int64_t ended_at_ms = 0;            // of its own accord
  std::optional<bus::BackendExit> exit{};  // likewise
  std::string problem;

  bool operator==(const Start&) const = default;
};

class History {
 public:
  // Takes the newest state. A start of which no news came is left out.
  void on(const bus::BackendState& backend);

  // Whether answered() of that generation would be news.
  bool awaits_answer(std::uint64_t generation) const {
    return !starts_.empty() && starts_.front().generation == generation &&
           starts_.front().first_byte_at_ms == 0;
  }

  // That generation has begun to answer a request.
  void answered(std::uint64_t generation, std::int64_t now_ms);

  // The newest first.
  const std::deque<Start>& starts() const { return starts_; }

 private:
  std::deque<Start> starts_;
};

}  // namespace hpp::proxyd
