#include "common/bus/messages.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/exit_status.h"

namespace hpp::bus {

std::string_view to_string(Topic topic) {
  switch (topic) {
    case Topic::Tree:
      return "tree";
    case Topic::Backend:
      return "backend";
    case Topic::Proxy:
      return "proxy";
  }
  return "";
}

std::string_view helper_of(Topic topic) {
  switch (topic) {
    case Topic::Tree:
      return "watchd";
    case Topic::Backend:
      return "supervisord";
    case Topic::Proxy:
      return "proxyd";
  }
  return "";
}

std::string_view to_string(BackendPhase phase) {
  switch (phase) {
    case BackendPhase::Loading:
      return "Loading";
    case BackendPhase::Running:
      return "Running";
    case BackendPhase::Error:
      return "Error";
    case BackendPhase::Killing:
      return "Killing";
  }
  return "";
}

std::string_view to_string(Failure failure) {
  switch (failure) {
    case Failure::None:
      return "";
    case Failure::Crashed:
      return "crashed";
    case Failure::Ended:
      return "ended";
    case Failure::BuildFailed:
      return "build_failed";
    case Failure::CommandNotFound:
      return "command_not_found";
    case Failure::CannotStart:
      return "cannot_start";
    case Failure::PortInUse:
      return "port_in_use";
    case Failure::CannotKill:
      return "cannot_kill";
  }
  return "";
}

bool is_author_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= kAuthorNameMax &&
         std::all_of(name.begin(), name.end(), is_allowed);
}

AuthorId::AuthorId(Topic of, std::string called) : topic(of), name(std::move(called)) {
  assert(is_author_name(name));
}

std::string to_string(const AuthorId& author) {
  const std::string word(to_string(author.topic));
  return author.name == kMainAuthor ? word : word + '.' + author.name;
}

std::string_view pause_word(const BackendState& backend) {
  if (!backend.paused) return "";
  return backend.noted.epoch == 0 ? "current" : "stale";
}

std::string to_string(const Start& start) {
  if (!start.is_warm) return start.cold_because.empty() ? "" : "cold: " + start.cold_because;
  return start.cold_ms == 0 ? "warm" : "warm; " + std::to_string(start.cold_ms) + " ms cold";
}

std::string to_string(const Retry& retry) {
  if (retry.pause_ms != 0) {
    return "trying again in " + std::to_string(retry.pause_ms / 1000) + " s (" +
           std::to_string(retry.tries) + " of " + std::to_string(retry.most) + ")";
  }
  if (retry.most == 0 || retry.tries < retry.most) return "";
  return "gave up after " + std::to_string(retry.tries) + (retry.tries == 1 ? " try" : " tries");
}

std::string to_string(const BackendError& error) {
  std::string text = error.file;
  if (error.line != 0) text += ':' + std::to_string(error.line);
  if (error.line != 0 && error.column != 0) text += ':' + std::to_string(error.column);
  return text.empty() ? error.message : text + ": " + error.message;
}

std::string to_string(const BackendExit& exit) {
  if (!exit.spawn_error.empty()) return "cannot be started: " + exit.spawn_error;
  if (exit.code) return "ended with " + hpp::to_string(ExitStatus{.number = *exit.code});
  if (!exit.signal) return "ended; its exit status is unknown";
  return "was killed by " + hpp::to_string(ExitStatus{.by_signal = true, .number = *exit.signal});
}

}  // namespace hpp::bus
