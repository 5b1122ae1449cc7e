#include "proxyd/core/failure_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hpp::proxyd {
namespace {

// Turns a sentence into the last clause of another sentence.
std::string as_clause(std::string sentence) {
  if (!sentence.empty() && sentence[0] >= 'A' && sentence[0] <= 'Z') sentence[0] += 'a' - 'A';
  if (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

// Returns why the request failed; empty if the answer needs no line.
std::string reason_of(const Answer& answer) {
  switch (answer.kind) {
    case Answer::Kind::BadGateway:
    case Answer::Kind::Shortage:
      return as_clause(answer.why);
    case Answer::Kind::Refused:
      return answer.why;  // a clause, which may begin with the name of a field
    case Answer::Kind::Unrepeated:
      return "a restart interrupted it, and a second attempt might have an effect";
    case Answer::Kind::QueueFull:
      return "too many requests wait (--queue-limit)";
    case Answer::Kind::QueueTimeout:
      return "your server was not ready in time (--queue-timeout)";
    case Answer::Kind::Crashed:
    case Answer::Kind::StillStarting:
    case Answer::Kind::HalfClosed:
      return "";
  }
  return "";
}

}  // namespace

std::string shown_request(std::string_view head) {
  std::string_view line = head.substr(0, std::min(head.find_first_of("\r\n"), head.size()));
  if (const auto version = line.rfind(" HTTP/"); version != std::string_view::npos) {
    line = line.substr(0, version);
  }
  if (line.empty()) return "a request";
  if (line.size() <= kShownRequestMax) return std::string(line);
  return std::string(line.substr(0, kShownRequestMax)) + "…";
}

std::optional<std::string> failure_line(const std::string& request, const Answer& answer) {
  const std::string reason = reason_of(answer);
  if (reason.empty()) return std::nullopt;
  return fmt::format("{}: {}, {}", request, answer.status, reason);
}

std::string failure_line(const std::string& request, const CutClient& cut) {
  return fmt::format("{}: cut short, {}", request, cut.why);
}

bool FailureLog::admit(const std::string& line, TimePoint now) {
  if (!ends_at_) ends_at_ = now + kBurst;
  const bool is_known = std::find(printed_.begin(), printed_.end(), line) != printed_.end();
  if (is_known || printed_.size() >= kLinesMax) {
    ++counted_;
    return false;
  }
  printed_.push_back(line);
  return true;
}

std::size_t FailureLog::end_burst() {
  ends_at_.reset();
  printed_.clear();
  return std::exchange(counted_, 0);
}

}  // namespace hpp::proxyd
