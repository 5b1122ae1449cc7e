#include "common/bus/messages.h"

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

std::string_view author_of(Topic topic) {
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

std::string to_string(const BackendExit& exit) {
  if (!exit.spawn_error.empty()) return "cannot be started: " + exit.spawn_error;
  if (exit.code) return "ended with " + hpp::to_string(ExitStatus{.number = *exit.code});
  if (!exit.signal) return "ended; its exit status is unknown";
  return "was killed by " + hpp::to_string(ExitStatus{.by_signal = true, .number = *exit.signal});
}

}  // namespace hpp::bus
