#include "ctl/core/failure.h"

#include <nlohmann/json.hpp>

#include "common/json_text.h"

namespace hpp::ctl {
namespace {

const char* reason(CommandStatus status) {
  switch (status) {
    case CommandStatus::Done:
    case CommandStatus::Failed:
      return "unknown";  // proxyd, which knows the reason, has not answered
    case CommandStatus::Usage:
      return "usage";
    case CommandStatus::TimedOut:
      return "timed_out";
    case CommandStatus::NothingRuns:
      return "not_running";
    case CommandStatus::TryAgain:
      return "try_again";
  }
  return "";
}

}  // namespace

std::string failure_json(CommandStatus status, const std::string& message) {
  const nlohmann::ordered_json json{
      {"live", false}, {"reason", reason(status)}, {"message", message}};
  return json_text(json) + '\n';
}

}  // namespace hpp::ctl
