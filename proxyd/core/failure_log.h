// Pure. The log's lines about requests that get no answer of the backend's, or only a part of one.
//
// One line per request, with the reason. A page has many requests that may all fail in the same
// way, so a burst is shortened: within kBurst of its first line, a line that was printed already,
// and all after the first kLinesMax, are only counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxyd/core/exchange.h"

namespace hpp::proxyd {

constexpr std::chrono::milliseconds kBurst{1000};
constexpr std::size_t kLinesMax = 10;
// Bytes of a request's method and target that are shown.
constexpr std::size_t kShownRequestMax = 200;

// `GET /x`, from a request's head or from as much of it as has come.
std::string shown_request(std::string_view head);

// `GET /x: 502, your server closed the connection …`. Nothing for an answer that needs no line: a
// crash, which supervisord has reported, and a request that its client has given up.
std::optional<std::string> failure_line(const std::string& request, const Answer& answer);

// `GET /x: cut short, your server …`.
std::string failure_line(const std::string& request, const CutClient& cut);

class FailureLog {
 public:
  // Whether to print that line. Otherwise it is counted.
  bool admit(const std::string& line, TimePoint now);

  // When to call end_burst(). Nothing: there is no burst.
  std::optional<TimePoint> wake_at() const { return ends_at_; }

  // Returns how many lines of the burst were only counted.
  std::size_t end_burst();

 private:
  std::optional<TimePoint> ends_at_;
  std::vector<std::string> printed_;
  std::size_t counted_ = 0;
};

}  // namespace hpp::proxyd
