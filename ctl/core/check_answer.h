// Pure. Makes the request of `hpp-ctl check`, and describes its outcome.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/bus/messages.h"

namespace hpp::ctl {

struct CheckTarget {
  std::string host;  // for the field Host: `localhost:8000`
  std::string path;  // with the query: `/cart?id=1`

  bool operator==(const CheckTarget&) const = default;
};

// Reads a path (`/cart`) or a URL. A URL must have the port of `instance_url`, and may have another
// name. Returns nothing if it has not, or if the target contains characters that no URL contains.
std::optional<CheckTarget> check_target(std::string_view target, std::string_view instance_url);

// Returns a request whose answer ends with the connection and is not chunked.
std::string check_request(const CheckTarget& target);

struct CheckAnswer {
  int status = 0;
  std::string status_line;  // `HTTP/1.1 200 OK`
  std::string type;         // media type; empty if the answer names none
  std::string body;

  bool operator==(const CheckAnswer&) const = default;
};

// Parses all bytes that were received until the connection ended. Returns nothing if the head is
// incomplete.
std::optional<CheckAnswer> read_check_answer(std::string_view response);

// Whether the request has succeeded: a status below 400.
bool is_good(const CheckAnswer& answer);

// Whether the server has failed with the request: a status from 500.
bool is_server_error(const CheckAnswer& answer);

// Returns what the server and its build have printed, from bytes of the output log.
std::string printed_text(std::string_view log);

// Describes the outcome in several lines, of which the first is the error, if there is one. A body
// that is not text is left out. `error`: the one in `printed` that explains the answer. `printed`:
// what the server has printed meanwhile.
std::string check_text(const CheckAnswer& answer, const std::optional<bus::BackendError>& error,
                       const std::string& printed);

// Returns the outcome as one JSON object on one line that ends with a newline. `error` is as in the
// answer to `hpp-ctl wait --json`. `printed` without colours.
std::string check_json(const CheckAnswer& answer, const std::string& url,
                       const std::optional<bus::BackendError>& error, const std::string& printed);

}  // namespace hpp::ctl
