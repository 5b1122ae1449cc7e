#include "supervisord/core/brief.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/text.h"
#include "supervisord/core/facts.h"

namespace hpp::supervisord {
namespace {

char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// `exit 1`, `signal 11, Segmentation fault`; empty if it is not known
std::string how(const bus::BackendExit& exit) {
  if (exit.code) return fmt::format("exit {}", *exit.code);
  if (!exit.signal) return "";
  return fmt::format("signal {}, {}", *exit.signal, ::strsignal(*exit.signal));
}

// ` (exit 1): MESSAGE  file:line`, or the problem, or nothing, instead of the message.
std::string reason(const std::string& how, const std::optional<bus::BackendError>& error,
                   const std::string& problem) {
  std::string text = how.empty() ? "" : fmt::format(" ({})", how);
  if (error) {
    text += ": " + printable(error->message);
    if (error->file.empty()) return text;
    text += "  " + printable(error->file);
    return error->line == 0 ? text : fmt::format("{}:{}", text, error->line);
  }
  return problem.empty() ? text : text + ": " + printable(problem);
}

// Returns the word with which the line names the failure.
const char* headword(bus::Failure failure) {
  switch (failure) {
    case bus::Failure::CommandNotFound:
      return "command not found";
    case bus::Failure::Ended:
      return "ended";
    case bus::Failure::None:
    case bus::Failure::Crashed:
    case bus::Failure::BuildFailed:
    case bus::Failure::CannotStart:
    case bus::Failure::PortInUse:
    case bus::Failure::CannotKill:
      break;
  }
  return "crashed";
}

}  // namespace

std::string advice(bool has_keys) {
  return has_keys ? "save a fix, or press r + Enter" : "save a fix, or run hpp-ctl restart";
}

std::string_view state_word(std::string_view text) {
  const auto end = text.find_first_of(": ");
  const bool is_headed = end != std::string_view::npos && text[end] == ':';
  return is_headed ? text.substr(0, end) : std::string_view();
}

Brief plain(const std::string& text) {
  std::string word(state_word(text));
  if (word.empty()) return {.headword = {}, .text = text, .advice = {}};
  const std::size_t size = word.size();
  word.front() = ascii_lower(word.front());
  return {.headword = std::move(word), .text = text.substr(size), .advice = {}};
}

Brief restarting(const std::string& why) {
  if (why == kRequestedBySignal) return {.headword = "restarting", .text = {}, .advice = {}};
  if (why == kRequestedByBrowser) {
    return {.headword = "restarting", .text = ", as a browser has asked", .advice = {}};
  }
  return {.headword = {}, .text = why + ", restarting", .advice = {}};
}

Brief ended(const bus::BackendState& facts, std::string advice) {
  const std::string end = how(facts.exit.value_or(bus::BackendExit{}));
  const std::string retry = bus::to_string(facts.retry);
  if (facts.retry.pause_ms != 0) advice.clear();
  return {.headword = headword(facts.failure),
          .text = reason(end, facts.error, facts.problem) + (retry.empty() ? "" : "; ") + retry,
          .advice = std::move(advice)};
}

Brief build_failed(const StepEnded& event, const std::string& command, std::string advice) {
  std::string end;
  if (event.problem.empty() && event.status.is_known) {
    bus::BackendExit exit;
    (event.status.by_signal ? exit.signal : exit.code) = event.status.number;
    end = how(exit);
  }
  const std::string& problem = event.problem.empty() ? command : event.problem;
  return {.headword = "build failed",
          .text = reason(end, event.error, problem),
          .advice = std::move(advice)};
}

Brief port_in_use(const std::string& because) {
  const auto end = std::min(because.size(), because.find(" by "));
  return {.headword = because.substr(0, end), .text = because.substr(end), .advice = {}};
}

}  // namespace hpp::supervisord
