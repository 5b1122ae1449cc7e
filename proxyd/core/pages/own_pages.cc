#include "proxyd/core/pages/own_pages.h"

#include <fmt/format.h>

#include <cassert>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/bus/codec.h"
#include "common/json_text.h"
#include "common/text.h"
#include "proxyd/core/crash.h"
#include "proxyd/core/crash_json.h"
#include "proxyd/core/kept_request.h"
#include "proxyd/core/pages/error_page.h"
#include "proxyd/embedded.h"

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;

OwnAnswer json_answer(const Json& json, int status = 200) {
  return {.status = status, .type = "application/json", .body = indented_json_text(json)};
}

template <class State>
Json json_of(const std::optional<State>& state) {
  return state ? bus::json_of(*state) : Json();
}

Json json_of(const DefectRecord& defects) {
  Json json = Json::array();
  for (const DefectRecord::Entry& entry : defects.entries()) {
    json.push_back({{"defect", describe(entry.defect)},
                    {"first_request", entry.request},
                    {"last_generation", entry.generation}});
  }
  return json;
}

OwnAnswer answer_status(const Knowledge& knowledge) {
  return json_answer({{"tree", json_of(knowledge.tree)},
                      {"backend", json_of(knowledge.backend)},
                      {"proxy", bus::json_of(knowledge.proxy)},
                      {"defects", json_of(knowledge.defects)}});
}

// Returns why hpp cannot tell whether the backend serves the newest files; empty if it can tell.
// With --assume-running there is no watcher, so there is neither a tree nor a problem.
std::string watch_problem(const Knowledge& knowledge) {
  if (knowledge.tree && !knowledge.tree->watching) return knowledge.tree->problem;
  return knowledge.proxy.problem;
}

OwnAnswer answer_not_live(Wanted wanted, const bus::BackendState& backend, std::string_view reason,
                          const std::string& message) {
  OwnAnswer answer{.status = 503,
                   .body = message + '\n',
                   .generation = backend.generation,
                   .paused = bus::pause_word(backend)};
  if (wanted != Wanted::Json) return answer;
  answer.type = "application/json";
  answer.body = indented_json_text({{"reason", reason},
                                    {"error", nullptr},
                                    {"status", answer.status},
                                    {"message", message},
                                    {"live", false},
                                    {"generation", backend.generation},
                                    {"paused", backend.paused}});
  return answer;
}

// Returns the requests that this backend had when it crashed; empty: none.
std::string crash_requests(const bus::ProxyState& proxy, const bus::BackendState& backend) {
  return proxy.crash_generation == backend.generation ? proxy.crash_requests : "";
}

// With --keep-last-good, the running backend may be older than the one that the client waited for.
OwnAnswer answer_wait(const RequestFacts& request, const Knowledge& knowledge) {
  const bus::BackendState backend = knowledge.backend.value_or(bus::BackendState{});
  if (!backend.problem.empty()) {
    return error_answer({.kind = Answer::Kind::Crashed,
                         .status = 503,
                         .why = crash_requests(knowledge.proxy, backend)},
                        request, backend,
                        {.may_see_output = true,
                         .now_ms = knowledge.now.wall_ms,
                         .nonce = std::string(knowledge.nonce)});
  }
  const std::string problem = watch_problem(knowledge);
  if (!problem.empty()) {
    return answer_not_live(request.wanted, backend, "not_watching",
                           "hpp cannot tell whether your server runs the newest files, because it "
                           "does not watch them: " +
                               printable(problem));
  }
  if (backend.noted.epoch != 0) {
    return answer_not_live(
        request.wanted, backend, "paused",
        "hpp is paused, so your server does not run the newest files. hpp-ctl "
        "resume ends the pause and restarts it, hpp-ctl restart restarts it once");
  }
  return json_answer({{"live", true},
                      {"generation", backend.generation},
                      {"pid", backend.pid},
                      {"spawned_at_ms", backend.spawned_at_ms},
                      {"ready_at_ms", backend.ready_at_ms},
                      {"paused", backend.paused},
                      {"lag_ms", knowledge.tree ? knowledge.tree->lag_ms : 0}});
}

// Returns an empty text if the server still runs, or if hpp has killed it.
std::string ending_of(const Start& start) {
  if (!start.problem.empty()) return start.problem;
  return start.exit ? to_string(*start.exit) : "";
}

Json json_of(const Start& start) {
  return {{"generation", start.generation},
          {"cause", {{"text", start.cause.text}, {"changed", start.cause.changed}}},
          {"detected_at_ms", start.cause.at_ms},
          {"killed_at_ms", start.killed_at_ms},
          {"spawned_at_ms", start.spawned_at_ms},
          {"ready_at_ms", start.ready_at_ms},
          {"warm", start.how.is_warm},
          {"cold_because", start.how.cold_because},
          {"first_byte_at_ms", start.first_byte_at_ms},
          {"ended_at_ms", start.ended_at_ms},
          {"ended", ending_of(start)}};
}

// The problems that the helpers report about themselves.
std::vector<std::string> problems_of(const Knowledge& knowledge) {
  std::vector<std::string> problems;
  const auto add = [&](const std::string& problem) {
    if (!problem.empty()) problems.push_back(problem);
  };
  if (knowledge.tree) add(knowledge.tree->problem);
  if (knowledge.backend) add(knowledge.backend->problem);
  add(knowledge.proxy.problem);
  return problems;
}

OwnAnswer answer_history(const Knowledge& knowledge) {
  Json starts = Json::array();
  for (const Start& start : knowledge.history.starts()) starts.push_back(json_of(start));
  const bus::BackendState backend = knowledge.backend.value_or(bus::BackendState{});
  return json_answer(
      {{"now_ms", knowledge.now.wall_ms},
       {"state", knowledge.backend ? Json(to_string(backend.state)) : Json()},
       {"generation", backend.generation},
       {"paused", bus::pause_word(backend)},
       {"command", command_line(backend.command)},
       {"problems", problems_of(knowledge)},
       {"defects", json_of(knowledge.defects)},
       {"crash", has_failed(backend) ? crash_json(backend, crash_requests(knowledge.proxy, backend))
                                     : Json()},
       {"counts",
        {{"connections", knowledge.proxy.clients},
         {"held", knowledge.proxy.held},
         {"forwarded", knowledge.proxy.forwarded},
         {"repeated", knowledge.proxy.replayed}}},
       {"starts", std::move(starts)}});
}

OwnAnswer answer_request(std::string_view message, const Knowledge& knowledge) {
  if (!knowledge.backend) {
    return json_answer({{"message",
                         "hpp-supervisord does not run, or has not reported yet. Try again in a "
                         "second"}},
                       503);
  }
  return json_answer({{"message", message}, {"generation", knowledge.backend->generation}}, 202);
}

OwnAnswer answer_message(int status, std::string_view message) {
  return json_answer({{"message", message}}, status);
}

OwnAnswer no_record(std::uint64_t number) {
  return answer_message(
      404, fmt::format("hpp keeps no request {}: it keeps the last {}, and none with --no-inspect",
                       number, kRequestsKept));
}

OwnAnswer answer_kept_request(const AnswerOwn& asked, const Knowledge& knowledge) {
  const RequestRecord* const record = knowledge.records.find(asked.number);
  if (asked.endpoint == OwnEndpoint::SendOnce) {
    return answer_message(200, "hpp no longer repeats the request");
  }
  if (record == nullptr) return no_record(asked.number);
  if (asked.endpoint == OwnEndpoint::Request) {
    return {.type = "application/json",
            .body = request_json(*record, knowledge.now, std::string(knowledge.url))};
  }
  if (!read_kept(*record).can_be_sent) {
    return answer_message(409,
                          "hpp cannot send this request again: its body is longer than 64 KiB or "
                          "incomplete, or it is a WebSocket");
  }
  if (asked.endpoint == OwnEndpoint::SendAgain) return answer_message(202, "hpp sends it again");
  if (knowledge.records.repeats(asked.number)) {
    return answer_message(200, "hpp repeats the request after each restart");
  }
  return answer_message(
      409, fmt::format("hpp repeats at most {} requests: end another repetition", kRepeatedMax));
}

OwnAnswer answer_home(std::string_view nonce) {
  return {
      .type = "text/html",
      .body = fmt::format(kHomePage, fmt::arg("page_style", kPageStyle),
                          fmt::arg("style", kHomePageStyle), fmt::arg("nonce", nonce),
                          fmt::arg("script", fmt::format("{}{}{}", kHomePageScript,
                                                         kHomeRequestsScript, kHomeOutputScript))),
      .nonce = std::string(nonce)};
}

}  // namespace

OwnAnswer endpoint_answer(const AnswerOwn& asked, const RequestFacts& request,
                          const Knowledge& knowledge) {
  constexpr std::string_view kJson = "application/json";
  switch (asked.endpoint) {
    case OwnEndpoint::Home:
      return answer_home(knowledge.nonce);
    case OwnEndpoint::Status:
      return answer_status(knowledge);
    case OwnEndpoint::History:
      return answer_history(knowledge);
    case OwnEndpoint::Log:
      return {.type = kJson, .body = knowledge.output.json_after(asked.number)};
    case OwnEndpoint::Requests:
      return {.type = kJson, .body = requests_json(knowledge.records, knowledge.now)};
    case OwnEndpoint::Archive:
      return {.type = kJson,
              .body = requests_har(knowledge.records, knowledge.now, std::string(knowledge.url))};
    case OwnEndpoint::Request:
    case OwnEndpoint::SendAgain:
    case OwnEndpoint::Repeat:
    case OwnEndpoint::SendOnce:
      return answer_kept_request(asked, knowledge);
    case OwnEndpoint::Wait:
      return answer_wait(request, knowledge);
    case OwnEndpoint::Restart:
      return answer_request("hpp restarts your server", knowledge);
    case OwnEndpoint::Pause:
      return answer_request("hpp is paused: saves do not restart your server", knowledge);
    case OwnEndpoint::Resume:
      return answer_request("hpp is no longer paused", knowledge);
    case OwnEndpoint::LiveReloadScript:
      return {.type = "text/javascript", .body = std::string(kLiveReloadScript)};
    case OwnEndpoint::Options:
      return {.body = "hpp answers this itself: Max-Forwards is 0, so it is not forwarded.\n"};
    case OwnEndpoint::OpenEditor:  // the shell answers it
    case OwnEndpoint::LiveReload:
      break;
  }
  assert(false);
  return {};
}

}  // namespace hpp::proxyd
