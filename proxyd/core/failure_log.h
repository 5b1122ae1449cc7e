// Pure. Writes log lines about requests that get no answer from the backend, or an incomplete one.
//
// Each such request gets one line with the reason. All requests of a page may fail together, so
// bursts are shortened: within kBurst of the first line, repeated lines, and all lines after the
// first kLinesMax, are only counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxyd/core/events.h"

namespace hpp::proxyd {

constexpr std::chrono::milliseconds kBurst{1000};
constexpr std::size_t kLinesMax = 10;
// How many bytes of a request's method and target are printed.
constexpr std::size_t kShownRequestMax = 200;

// Returns `GET /x`. `head` is a request's head, or the part of it that has come.
std::string shown_request(std::string_view head);

// Returns `GET /x: 502, your server closed the connection …`. Nothing if the answer needs no line:
// supervisord has already logged the crash, or the client has given up its request.
std::optional<std::string> failure_line(const std::string& request, const Answer& answer);

// Returns `GET /x: cut short, your server …`.
std::string failure_line(const std::string& request, const CutClient& cut);

class FailureLog {
 public:
  // Returns whether to print the line. If not, the line is counted.
  bool admit(const std::string& line, TimePoint now);

  // Returns when to call end_burst(). Nothing: there is no burst.
  std::optional<TimePoint> wake_at() const { return ends_at_; }

  // Returns how many lines of the burst were only counted.
  std::size_t end_burst();

 private:
  std::optional<TimePoint> ends_at_;
  std::vector<std::string> printed_;
  std::size_t counted_ = 0;
};

}  // namespace hpp::proxyd
