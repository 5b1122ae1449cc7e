#include "proxyd/core/own_answer.h"

#include <fmt/format.h>

#include "proxyd/core/livereload.h"

namespace hpp::proxyd {
namespace {

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
    case 426:  // §15.5.22
      return "Upgrade: websocket\r\n";
    case 503:  // §10.2.3
      return "Retry-After: 1\r\n";
    default:
      return "";
  }
}

// §7.8: whoever says Upgrade names it in Connection.
std::string_view connection_of(int status) {
  return status == 426 ? "upgrade, close" : "close";
}

}  // namespace

std::string write_own(int status, std::string_view type, std::string_view body,
                      const RequestFacts& request) {
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}; charset=utf-8\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n{}Content-Length: {}\r\nConnection: {}\r\n\r\n",
      status, reason_phrase(status), type, fields_of(status), body.size(), connection_of(status));
  if (!request.is_head) out += body;
  return out;
}

std::string write_endpoint(OwnEndpoint endpoint, const RequestFacts& request) {
  switch (endpoint) {
    case OwnEndpoint::LiveReloadScript:
      return write_own(200, "text/javascript", livereload_script(), request);
    case OwnEndpoint::LiveReload:  // no text: the connection is handed over
      break;
  }
  return "";
}

}  // namespace hpp::proxyd
