#include "proxyd/core/crash_json.h"

#include <nlohmann/json.hpp>

#include "common/text.h"
#include "proxyd/core/crash.h"

namespace hpp::proxyd {

nlohmann::json crash_request_json(const bus::BackendState& backend, const std::string& requests) {
  const bool is_known = backend.failure == bus::Failure::Crashed && !requests.empty();
  return is_known ? nlohmann::json(requests) : nlohmann::json();
}

nlohmann::json crash_json(const bus::BackendState& backend, const std::string& requests) {
  using Json = nlohmann::json;
  Json json{{"how", how_it_ended(backend)},
            {"next", what_next(backend)},
            {"title", failure_title(backend, requests)},
            {"request", crash_request_json(backend, requests)},
            {"command", command_line(backend.command)},
            {"output", whole_lines(backend)},
            {"parts", Json::array()},
            {"report", failure_report(backend, requests)},
            {"error", nullptr}};
  for (const OutputPart& part : output_parts(backend)) {
    json["parts"].push_back(
        {{"text", part.text}, {"lines", part.lines}, {"foreign", part.is_foreign}});
  }
  if (!backend.error) return json;
  const bus::BackendError& error = *backend.error;
  json["error"] = {{"message", error.message},
                   {"file", error.file},
                   {"line", error.line},
                   {"source", Json::array()}};
  for (const SourceLine& line : source_lines(error)) {
    json["error"]["source"].push_back(
        {{"number", line.number}, {"text", line.text}, {"here", line.is_error}});
  }
  return json;
}

}  // namespace hpp::proxyd
