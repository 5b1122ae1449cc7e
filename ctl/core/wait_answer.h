// Pure. What proxyd answers to `GET /__hpp/wait`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hpp::ctl {

// The request; `host`: as in the instance's URL, `localhost:8000`.
std::string wait_request(std::string_view host);

enum class Decision {
  Live,     // 200: what was saved before the request is served
  Failed,   // 503: the backend failed with it, or the files are not watched
  Unclear,  // any other status: that was not hpp, or not for us
};

struct WaitAnswer {
  Decision decision = Decision::Unclear;
  std::string status_line;  // `HTTP/1.1 200 OK`
  std::string text;         // what follows the head; of a failure: why, and the last output

  bool operator==(const WaitAnswer&) const = default;
};

// All that came until the connection ended. Nothing: that is no whole head; whoever was to answer
// has died, and can be asked again.
std::optional<WaitAnswer> read_wait_answer(std::string_view response);

}  // namespace hpp::ctl
