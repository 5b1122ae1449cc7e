// Pure. Makes the request `GET /__hpp/wait` and parses proxyd's response.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hpp::ctl {

enum class WaitFormat { Text, Json };

// Returns the request. `host` is the host and port of the instance's URL: `localhost:8000`.
std::string wait_request(std::string_view host, WaitFormat format);

enum class Decision {
  Live,     // 200: the files saved before the request are served
  Failed,   // 503: the backend failed with these files, or the files are not watched
  Unclear,  // another status: the response is not from hpp, or hpp has refused the request
};

struct WaitAnswer {
  Decision decision = Decision::Unclear;
  std::string status_line;   // `HTTP/1.1 200 OK`
  std::string text;          // the body; for Failed, the reason and the server's last output
  std::uint64_t lag_ms = 0;  // for Live: younger saves than this may not be served

  bool operator==(const WaitAnswer&) const = default;
};

// Parses `response`, all bytes received until the connection ended. Returns nothing if the head is
// incomplete: proxyd has died, and the request can be repeated.
std::optional<WaitAnswer> read_wait_answer(std::string_view response);

// Returns the answer to a request for JSON as one line, with the instance's URL and without colours
// in the output.
std::string wait_json(const WaitAnswer& answer, const std::string& url);

}  // namespace hpp::ctl
