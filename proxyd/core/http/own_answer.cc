#include "proxyd/core/http/own_answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "common/bus/codec.h"
#include "common/exit_status.h"
#include "common/text.h"
#include "proxyd/core/http/date.h"
#include "proxyd/core/pages/error_page.h"
#include "proxyd/core/pages/page_parts.h"
#include "proxyd/core/reload/livereload.h"

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 414:
      return "URI Too Long";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

// What RFC 9110 has some answers say besides.
std::string_view fields_of(int status) {
  switch (status) {
    case 405:  // §15.5.6
      return "Allow: GET, HEAD\r\n";
    case 426:  // §15.5.22, and RFC 6455 §4.4
      return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    case 503:  // §10.2.3
      return "Retry-After: 1\r\n";
    default:
      return "";
  }
}

// A page of ours loads nothing and runs its own script alone, whatever the backend has printed.
// Only pages of its own origin may have it in a frame, as a page may that shows another of its
// site.
std::string policy_fields(std::string_view type, std::string_view nonce) {
  if (type != "text/html") return "";
  return fmt::format(
      "Content-Security-Policy: default-src 'none'; script-src 'nonce-{}'; "
      "style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'self'\r\nX-Frame-Options: SAMEORIGIN\r\n",
      nonce);
}

// §7.8: whoever says Upgrade names it in Connection.
std::string_view connection_of(int status) {
  return status == 426 ? "upgrade, close" : "close";
}

// ---- what the endpoints say ---------------------------------------------------------------------

std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

// As it is on the bus.
Json json_of(const bus::Message& message) {
  const std::string text = bus::encode(message);
  return Json::parse(text.substr(text.find(' ') + 1));
}

template <class State>
Json json_of(const std::optional<State>& state) {
  return state ? json_of(bus::Message(*state)) : Json();
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

std::string status_text(const Knowledge& knowledge) {
  return text_of({{"tree", json_of(knowledge.tree)},
                  {"backend", json_of(knowledge.backend)},
                  {"proxy", json_of(bus::Message(knowledge.proxy))},
                  {"defects", json_of(knowledge.defects)}});
}

// Returns why hpp cannot tell whether the newest files are served; empty if it can. With
// --assume-running there is no watcher: neither a tree nor a problem.
std::string doubt_of(const Knowledge& knowledge) {
  if (knowledge.tree && !knowledge.tree->watching) return knowledge.tree->problem;
  return knowledge.proxy.problem;
}

std::string write_doubt(const RequestFacts& request, const bus::BackendState& backend,
                        const std::string& doubt, std::int64_t now_ms) {
  const std::string message = fmt::format(
      "hpp cannot tell whether your server runs the newest files, because it does not watch them: "
      "{}",
      printable(doubt));
  const OwnHead head{.status = 503, .generation = backend.generation, .now_ms = now_ms};
  if (request.wanted != Wanted::Json) {
    return write_own(head, "text/plain", message + '\n', request);
  }
  const std::string text = text_of({{"error", "not_watching"},
                                    {"status", head.status},
                                    {"message", message},
                                    {"live", false},
                                    {"generation", backend.generation}});
  return write_own(head, "application/json", text, request);
}

// With --keep-last-good, the backend that runs may not be the one that was waited for.
std::string write_wait(const RequestFacts& request, const Knowledge& knowledge) {
  const bus::BackendState backend = knowledge.backend.value_or(bus::BackendState{});
  if (!backend.problem.empty()) {
    return write_answer({.kind = Answer::Kind::Crashed, .status = 503}, request, backend,
                        {.may_see_output = true,
                         .now_ms = knowledge.now_ms,
                         .nonce = std::string(knowledge.nonce)});
  }
  const std::string doubt = doubt_of(knowledge);
  if (!doubt.empty()) return write_doubt(request, backend, doubt, knowledge.now_ms);
  const std::string text = text_of({{"live", true},
                                    {"generation", backend.generation},
                                    {"pid", backend.pid},
                                    {"spawned_at_ms", backend.spawned_at_ms},
                                    {"ready_at_ms", backend.ready_at_ms}});
  return write_own({.now_ms = knowledge.now_ms}, "application/json", text, request);
}

// Empty: it has not ended of its own accord.
std::string how_it_ended(const Start& start) {
  if (!start.problem.empty()) return start.problem;
  if (!start.exit) return "";
  if (!start.exit->spawn_error.empty()) return "cannot be started: " + start.exit->spawn_error;
  ExitStatus status{.is_known = start.exit->code || start.exit->signal};
  status.by_signal = start.exit->signal.has_value();
  status.number = start.exit->code.value_or(start.exit->signal.value_or(0));
  return "ended: " + to_string(status);
}

Json json_of(const Start& start) {
  return {{"generation", start.generation},
          {"cause", {{"text", start.cause.text}, {"changed", start.cause.changed}}},
          {"detected_at_ms", start.cause.at_ms},
          {"killed_at_ms", start.killed_at_ms},
          {"spawned_at_ms", start.spawned_at_ms},
          {"ready_at_ms", start.ready_at_ms},
          {"first_byte_at_ms", start.first_byte_at_ms},
          {"ended_at_ms", start.ended_at_ms},
          {"ended", how_it_ended(start)}};
}

// What helpers have to say of themselves.
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

std::string history_text(const Knowledge& knowledge) {
  Json starts = Json::array();
  for (const Start& start : knowledge.history.starts()) starts.push_back(json_of(start));
  const bus::BackendState backend = knowledge.backend.value_or(bus::BackendState{});
  return text_of({{"now_ms", knowledge.now_ms},
                  {"state", knowledge.backend ? Json(to_string(backend.state)) : Json()},
                  {"generation", backend.generation},
                  {"command", command_line(backend.command)},
                  {"problems", problems_of(knowledge)},
                  {"defects", json_of(knowledge.defects)},
                  {"counts",
                   {{"connections", knowledge.proxy.clients},
                    {"held", knowledge.proxy.held},
                    {"forwarded", knowledge.proxy.forwarded},
                    {"repeated", knowledge.proxy.replayed}}},
                  {"starts", std::move(starts)}});
}

// curl prints these types to a terminal. Browsers obey no control sequences.
std::string safe_for_terminals(std::string_view type, std::string_view body) {
  if (type == "text/plain") return printable_lines(body);
  return type == "application/json" ? printable_json(body) : std::string(body);
}

std::string home_text(std::string_view nonce) {
  return fmt::format("{}<style>{}</style>\n{}<script nonce=\"{}\">{}</script>\n", home_page_head(),
                     page_style(), home_page_body(), nonce, home_page_script());
}

}  // namespace

std::string write_own(const OwnHead& head, std::string_view type, std::string_view content,
                      const RequestFacts& request) {
  const std::string body = safe_for_terminals(type, content);
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}; charset=utf-8\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n{}{}Content-Length: {}\r\nDate: {}\r\nConnection: {}\r\n",
      head.status, reason_phrase(head.status), type, policy_fields(type, head.nonce),
      fields_of(head.status), body.size(), http_date(head.now_ms), connection_of(head.status));
  if (head.generation != 0) out += fmt::format("X-Hpp-Generation: {}\r\n", head.generation);
  out += "\r\n";
  if (!request.is_head) out += body;
  return out;
}

std::string write_endpoint(OwnEndpoint endpoint, const RequestFacts& request,
                           const Knowledge& knowledge) {
  const OwnHead head{.now_ms = knowledge.now_ms, .nonce = knowledge.nonce};
  const auto json = [&](const std::string& text) {
    return write_own(head, "application/json", text, request);
  };
  switch (endpoint) {
    case OwnEndpoint::Home:
      return write_own(head, "text/html", home_text(knowledge.nonce), request);
    case OwnEndpoint::Status:
      return json(status_text(knowledge));
    case OwnEndpoint::History:
      return json(history_text(knowledge));
    case OwnEndpoint::Wait:
      return write_wait(request, knowledge);
    case OwnEndpoint::LiveReloadScript:
      return write_own(head, "text/javascript", livereload_script(), request);
    case OwnEndpoint::Options:
      return write_own(head, "text/plain",
                       "hpp answers this itself: Max-Forwards is 0, so it is not forwarded.\n",
                       request);
    case OwnEndpoint::LiveReload:  // no text: the connection is handed over
      break;
  }
  return "";
}

}  // namespace hpp::proxyd
