// Pure. The answers that hpp gives itself, and the header fields that all of them have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hpp::proxyd {

struct OwnAnswer {
  int status = 200;
  std::string_view type = "text/plain";  // media type
  std::string body;
  std::uint64_t generation = 0;  // the backend that the answer is about; 0: no backend
  std::string_view paused = {};  // bus::pause_word() of that backend
  std::string nonce = {};        // the nonce of an HTML page's script
  std::string_view allow = {};   // status 405: the methods that are allowed
};

// Returns the answer as HTTP/1.1, always with `Connection: close` and `Cache-Control: no-store`.
// `now_ms`: since the Unix epoch. `is_head`: the request is a HEAD, so the body is left out.
std::string write_own(const OwnAnswer& answer, bool is_head, std::int64_t now_ms);

}  // namespace hpp::proxyd
