#include "ctl/core/failure.h"

#include <nlohmann/json.hpp>

namespace hpp::ctl {
namespace {

const char* reason(ExitStatus status) {
  switch (status) {
    case ExitStatus::Done:
    case ExitStatus::Failed:
      return "unknown";  // proxyd, which knows the reason, has not answered
    case ExitStatus::Usage:
      return "usage";
    case ExitStatus::TimedOut:
      return "timed_out";
    case ExitStatus::NothingRuns:
      return "not_running";
    case ExitStatus::TryAgain:
      return "try_again";
  }
  return "";
}

}  // namespace

std::string failure_json(ExitStatus status, const std::string& message) {
  const nlohmann::ordered_json json{
      {"live", false}, {"reason", reason(status)}, {"message", message}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace hpp::ctl
