#include "proxyd/core/crash.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/take_until.h"
#include "common/text.h"

namespace hpp::proxyd {
namespace {

// Titles for the messages of a supervisord that does not publish the reason.
std::string title_without_reason(const bus::BackendState& backend) {
  if (backend.state == bus::BackendPhase::Running) return "Your server cannot be built";
  const bool never_ran =
      !backend.problem.empty() || (backend.exit && !backend.exit->spawn_error.empty());
  if (never_ran) return "Your server cannot be started";
  return backend.exit && backend.exit->code == 0 ? "Your server has ended"
                                                 : "Your server has crashed";
}

// `port 8001 is in use by pid 7 (x)` becomes `Port 8001 is in use`.
std::string port_title(std::string_view problem) {
  const auto by = problem.find(" by ");
  if (!problem.starts_with("port ") || by == std::string_view::npos) return "The port is in use";
  return "P" + std::string(problem.substr(1, by - 1));
}

// Whether each line of the output belongs to a foreign frame.
std::vector<bool> foreign_lines(const bus::BackendState& backend, std::size_t count) {
  std::vector<bool> foreign(count);
  if (!backend.error) return foreign;
  for (const bus::ErrorFrame& frame : backend.error->frames) {
    if (!frame.is_foreign) continue;
    for (std::uint64_t i = 0; i < frame.output_lines && frame.output_line + i < count; ++i) {
      foreign[frame.output_line + i] = true;
    }
  }
  return foreign;
}

}  // namespace

bool has_failed(const bus::BackendState& backend) {
  return backend.state == bus::BackendPhase::Error || backend.failure != bus::Failure::None;
}

std::string how_it_ended(const bus::BackendState& backend) {
  if (!backend.problem.empty()) return backend.problem;
  return backend.exit ? "it " + to_string(*backend.exit) : "it is not running";
}

std::string retry_text(const bus::BackendState& backend) {
  return backend.failure == bus::Failure::Crashed ? to_string(backend.retry) : "";
}

std::string what_next(const bus::BackendState& backend) {
  const std::string retry = retry_text(backend);
  if (backend.retry.pause_ms != 0) return fmt::format("hpp starts it by itself: {}.", retry);
  if (backend.exit && !backend.exit->spawn_error.empty()) {
    return "hpp tries again until it can start your server.";
  }
  if (backend.paused) {
    return "hpp is paused, so no save starts your server again. End the pause with hpp-ctl resume.";
  }
  const std::string gave_up = retry.empty() ? "" : fmt::format("hpp {} (--retry). ", retry);
  const bool runs = backend.state == bus::BackendPhase::Running;
  return fmt::format("{}Save a file and hpp {} your server again.", gave_up,
                     runs ? "builds" : "starts");
}

std::string_view whole_lines(const bus::BackendState& backend) {
  std::string_view tail = backend.output_tail;
  if (tail.size() >= bus::kOutputTailMax) tail.remove_prefix(tail.find('\n') + 1);
  while (tail.ends_with('\n')) tail.remove_suffix(1);
  return tail;
}

std::vector<SourceLine> source_lines(const bus::BackendError& error) {
  std::vector<SourceLine> lines;
  std::string_view text = error.source;
  for (std::uint64_t number = error.source_line; !text.empty(); ++number) {
    lines.push_back(
        {.number = number, .text = take_until('\n', text), .is_error = number == error.line});
  }
  return lines;
}

std::string source_text(const bus::BackendError& error) {
  std::string text;
  for (const SourceLine& line : source_lines(error)) {
    text += fmt::format("{} {:>5} | {}\n", line.is_error ? '>' : ' ', line.number, line.text);
  }
  return text;
}

std::vector<OutputPart> output_parts(const bus::BackendState& backend) {
  const std::string_view all = backend.output_tail;
  std::string_view rest = whole_lines(backend);
  const auto newlines = [](std::string_view text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  };
  const auto skipped = newlines(all.substr(0, static_cast<std::size_t>(rest.data() - all.data())));
  const std::vector<bool> foreign = foreign_lines(backend, newlines(all) + 1);
  std::vector<OutputPart> parts;
  for (std::size_t number = skipped; !rest.empty(); ++number) {
    const std::string_view line = take_until('\n', rest);
    if (parts.empty() || parts.back().is_foreign != foreign[number]) {
      parts.push_back({.text = line, .is_foreign = foreign[number]});
      continue;
    }
    std::string_view& text = parts.back().text;
    text = {text.data(), static_cast<std::size_t>(line.data() + line.size() - text.data())};
    ++parts.back().lines;
  }
  return parts;
}

std::string failure_title(const bus::BackendState& backend, const std::string& requests) {
  switch (backend.failure) {
    case bus::Failure::None:
      return title_without_reason(backend);
    case bus::Failure::Crashed:
      return requests.empty()
                 ? "Your server has crashed"
                 : fmt::format("Your server crashed while it handled {}", printable(requests));
    case bus::Failure::Ended:
      return "Your server has ended";
    case bus::Failure::BuildFailed:
      return "The build failed";
    case bus::Failure::CommandNotFound:
      return "Command not found";
    case bus::Failure::CannotStart:
      return "Your server cannot be started";
    case bus::Failure::PortInUse:
      return port_title(backend.problem);
    case bus::Failure::CannotKill:
      return "An old process cannot be ended";
  }
  return "";
}

std::string failure_report(const bus::BackendState& backend, const std::string& requests) {
  std::string report = failure_title(backend, requests) + ": " + how_it_ended(backend) + ".\n";
  if (backend.error) {
    report += fmt::format("\nError: {}\n", to_string(*backend.error));
    const std::string source = source_text(*backend.error);
    if (!source.empty()) report += fmt::format("\nSource of {}:\n{}", backend.error->file, source);
  }
  report += fmt::format("\nCommand: {}\n", command_line(backend.command));
  if (!backend.cause.text.empty())
    report += fmt::format("Started because: {}\n", backend.cause.text);
  for (const std::string& path : backend.cause.changed) report += fmt::format("  {}\n", path);
  const std::string_view output = whole_lines(backend);
  if (!output.empty()) report += fmt::format("\nOutput:\n{}\n", output);
  return report;
}

std::string_view failure_name(const bus::BackendState& backend) {
  return backend.failure == bus::Failure::None ? "crashed" : to_string(backend.failure);
}

}  // namespace hpp::proxyd
