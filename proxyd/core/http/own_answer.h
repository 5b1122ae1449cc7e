// Pure. An answer that hpp gives itself, before and after it is put into HTTP: one place says what
// is true of all of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hpp::proxyd {

struct OwnAnswer {
  int status = 200;
  std::string_view type = "text/plain";  // media type
  std::string body;
  std::uint64_t generation = 0;  // the backend that the answer is about; 0: none
  std::string nonce = {};        // HTML: the nonce of the page's script
};

// The answer as HTTP/1.1. It always says `Connection: close`, and that no cache may keep it.
// `now_ms`: since the Unix epoch. `is_head`: HEAD gets no body.
std::string write_own(const OwnAnswer& answer, bool is_head, std::int64_t now_ms);

}  // namespace hpp::proxyd
