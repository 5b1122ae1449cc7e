#include "proxyd/core/own_endpoints.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "common/read_number.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

constexpr std::string_view kRoot = "/__hpp";

// Returns the path of a target in origin form or absolute form (RFC 9112 §3.2).
std::string_view path_of(std::string_view target) {
  const std::string_view local = without_authority(target);
  return local.substr(0, local.find_first_of("?#"));
}

// `after=12` → 12
std::uint64_t log_position(std::string_view target) {
  constexpr std::string_view kAfter = "after=";
  const auto mark = target.find('?');
  if (mark == std::string_view::npos || !target.substr(mark + 1).starts_with(kAfter)) return 0;
  return read_number<std::uint64_t>(target.substr(mark + 1 + kAfter.size())).value_or(0);
}

// `/12/send` → the endpoint for the kept request 12
std::optional<OwnRequest> kept_request_at(std::string_view name) {
  name.remove_prefix(1);
  const auto slash = name.find('/');
  const auto number = read_number<std::uint64_t>(name.substr(0, slash));
  if (!number) return std::nullopt;
  const std::string_view verb =
      slash == std::string_view::npos ? std::string_view() : name.substr(slash);
  using enum OwnEndpoint;
  for (const auto& [path, endpoint] :
       {std::pair{"", Request}, {"/send", SendAgain}, {"/repeat", Repeat}, {"/once", SendOnce}}) {
    if (verb == path) return OwnRequest{.endpoint = endpoint, .number = *number};
  }
  return std::nullopt;
}

std::optional<OwnEndpoint> endpoint_at(std::string_view name) {
  if (name.empty() || name == "/") return OwnEndpoint::Home;
  if (name == "/status") return OwnEndpoint::Status;
  if (name == "/history") return OwnEndpoint::History;
  if (name == "/log") return OwnEndpoint::Log;
  if (name == "/requests") return OwnEndpoint::Requests;
  if (name == "/requests.har") return OwnEndpoint::Archive;
  if (name == "/wait") return OwnEndpoint::Wait;
  if (name == "/restart") return OwnEndpoint::Restart;
  if (name == "/open-editor") return OwnEndpoint::OpenEditor;
  if (name == "/pause") return OwnEndpoint::Pause;
  if (name == "/resume") return OwnEndpoint::Resume;
  if (name == "/livereload") return OwnEndpoint::LiveReload;
  if (name == "/livereload.js") return OwnEndpoint::LiveReloadScript;
  return std::nullopt;
}

// Returns what the path below /__hpp asks for; nothing: there is no such path.
std::optional<OwnRequest> own_request_at(std::string_view name, std::string_view target) {
  constexpr std::string_view kRequests = "/requests";
  if (const auto endpoint = endpoint_at(name)) {
    const bool has_position = endpoint == OwnEndpoint::Log;
    return OwnRequest{.endpoint = *endpoint, .number = has_position ? log_position(target) : 0};
  }
  if (!name.starts_with("/requests/")) return std::nullopt;
  return kept_request_at(name.substr(kRequests.size()));
}

Refused forbid(std::string why) {
  return {.status = 403, .why = std::move(why)};
}

// The log says how the user can admit the client (notice_for()).
Refused keep_out(const RequestHead& head, const Peer& peer, const AccessRules& rules) {
  if (!peer.is_local && !rules.has_lan) {
    return forbid(
        "/__hpp/ is only for the machine that hpp runs on, and this request came from another "
        "address (see --lan)");
  }
  return forbid(
      fmt::format("/__hpp/ answers only at localhost:{}, and Host is '{}' (a page of another site "
                  "could have sent this request; see --trust-host)",
                  rules.bind.port, find_field(head.fields, "Host").value_or("")));
}

// Fetch Metadata: browsers say where a request comes from, and no script can change it.
std::variant<NotOwn, OwnRequest, Refused> accept_action(const RequestHead& head,
                                                        const OwnRequest& asked,
                                                        const AccessRules& rules) {
  if (head.method != "POST") {
    return Refused{.status = 405, .why = "this path accepts only POST", .allow = "POST"};
  }
  const std::string_view site = find_field(head.fields, "Sec-Fetch-Site").value_or("same-origin");
  if (site != "same-origin" || !has_own_origin(head, rules)) {
    return forbid(fmt::format("a page of {} may not do this",
                              find_field(head.fields, "Origin").value_or("another site")));
  }
  return asked;
}

// RFC 6455 §4.2.1.
std::variant<NotOwn, OwnRequest, Refused> open_websocket(const RequestHead& head,
                                                         const RequestFacts& facts,
                                                         const AccessRules& rules) {
  const std::string_view key = find_field(head.fields, "Sec-WebSocket-Key").value_or("");
  const bool is_handshake = head.method == "GET" && facts.asks_upgrade && !key.empty() &&
                            facts.framing == Framing::None &&
                            same_text(find_field(head.fields, "Upgrade").value_or(""), "websocket");
  if (!is_handshake) return Refused{.status = 426, .why = "/__hpp/livereload is a WebSocket"};
  if (!speaks_websocket_13(head)) {
    return Refused{.status = 426, .why = "/__hpp/livereload supports only version 13 of WebSocket"};
  }
  if (!has_own_origin(head, rules)) {
    return forbid(fmt::format("a page of {} may not use this WebSocket",
                              find_field(head.fields, "Origin").value_or("")));
  }
  return OwnRequest{.endpoint = OwnEndpoint::LiveReload, .websocket_key = std::string(key)};
}

// RFC 9110 §7.6.2: a proxy must answer an OPTIONS or TRACE that it must not forward any more. hpp
// refuses TRACE, because the answer would contain the request's cookies, and a page's script could
// read it.
std::variant<NotOwn, OwnRequest, Refused> answer_as_last(const RequestHead& head) {
  if (head.method == "OPTIONS") return OwnRequest{.endpoint = OwnEndpoint::Options};
  return Refused{.status = 501,
                 .why =
                     "Max-Forwards is 0, so hpp may not forward it, and hpp itself does not "
                     "answer TRACE"};
}

}  // namespace

std::variant<NotOwn, OwnRequest, Refused> judge_own(const RequestHead& head,
                                                    const RequestFacts& facts, const Peer& peer,
                                                    const AccessRules& rules) {
  if (max_forwards(head) == 0) return answer_as_last(head);
  std::string_view path = path_of(head.target);
  if (!path.starts_with(kRoot)) return NotOwn{};
  path.remove_prefix(kRoot.size());
  if (!path.empty() && !path.starts_with('/')) return NotOwn{};
  const Access access = access_of(head, peer, rules);
  if (access == Access::None) return keep_out(head, peer, rules);
  const auto asked = own_request_at(path, head.target);
  if (!asked) {
    return Refused{.status = 404,
                   .why =
                       "hpp has no such page. It has /__hpp/ and, below that, status, history, "
                       "log, requests, requests.har, wait, restart, pause, resume, open-editor, "
                       "livereload and "
                       "livereload.js"};
  }
  if (access < needed_access(asked->endpoint)) {
    return forbid(fmt::format("this page is only for localhost:{}", rules.bind.port));
  }
  if (asked->endpoint == OwnEndpoint::LiveReload) return open_websocket(head, facts, rules);
  if (is_action(asked->endpoint)) return accept_action(head, *asked, rules);
  if (head.method != "GET" && head.method != "HEAD") {
    return Refused{
        .status = 405, .why = "this path accepts only GET and HEAD", .allow = "GET, HEAD"};
  }
  return *asked;
}

bool speaks_websocket_13(const RequestHead& head) {
  return find_field(head.fields, "Sec-WebSocket-Version") == "13";
}

}  // namespace hpp::proxyd
