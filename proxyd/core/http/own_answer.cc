#include "proxyd/core/http/own_answer.h"

#include <fmt/format.h>

#include "common/text.h"
#include "proxyd/core/http/date.h"

namespace hpp::proxyd {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
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

// The additional fields that RFC 9110 requires or recommends for some statuses.
std::string fields_of(int status, std::string_view allow) {
  switch (status) {
    case 405:  // §15.5.6
      return fmt::format("Allow: {}\r\n", allow);
    case 426:  // §15.5.22, and RFC 6455 §4.4
      return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    case 503:  // §10.2.3
      return "Retry-After: 1\r\n";
    default:
      return "";
  }
}

// hpp's pages show what the backend printed, so they must not load anything or run any script but
// their own. Pages of the same origin may show them in a frame: a site may frame one of its own
// pages, and hpp's error page can take that page's place.
std::string policy_fields(std::string_view type, std::string_view nonce) {
  if (type != "text/html") return "";
  return fmt::format(
      "Content-Security-Policy: default-src 'none'; script-src 'nonce-{}'; "
      "style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'self'\r\nX-Frame-Options: SAMEORIGIN\r\n",
      nonce);
}

// A message with the field Upgrade names it in Connection (RFC 9110 §7.8).
std::string_view connection_of(int status) {
  return status == 426 ? "upgrade, close" : "close";
}

// curl prints text and JSON to a terminal, which would obey control sequences in them. A browser,
// which gets HTML, does not.
std::string safe_for_terminals(std::string_view type, std::string_view body) {
  if (type == "text/plain") return printable_lines(body);
  return type == "application/json" ? printable_json(body) : std::string(body);
}

}  // namespace

std::string write_own(const OwnAnswer& answer, bool is_head, std::int64_t now_ms) {
  const std::string body = safe_for_terminals(answer.type, answer.body);
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}; charset=utf-8\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n{}{}Content-Length: {}\r\nDate: {}\r\nConnection: {}\r\n",
      answer.status, reason_phrase(answer.status), answer.type,
      policy_fields(answer.type, answer.nonce), fields_of(answer.status, answer.allow), body.size(),
      http_date(now_ms), connection_of(answer.status));
  if (answer.generation != 0) out += fmt::format("X-Hpp-Generation: {}\r\n", answer.generation);
  if (!answer.paused.empty()) out += fmt::format("X-Hpp-Paused: {}\r\n", answer.paused);
  out += "\r\n";
  if (!is_head) out += body;
  return out;
}

}  // namespace hpp::proxyd
