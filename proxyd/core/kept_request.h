// Pure. Reads a kept request and its answer (request_records.h), and writes the request for other
// programs: as a message that hpp sends again, and as a command line for curl(1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxyd/core/request_records.h"

namespace hpp::proxyd {

using KeptFields = std::vector<std::pair<std::string, std::string>>;

struct KeptRequest {
  std::string method;
  std::string target;  // `/a?b=c`
  std::string host;    // the field Host; empty if there was none
  int minor = 1;       // HTTP/1.<minor>
  KeptFields fields;
  std::string body;  // without framing

  // Whether it can be sent again: its body was kept, and it does not switch protocols.
  bool can_be_sent = false;
};

KeptRequest read_kept(const RequestRecord& record);

// The backend's answer.
struct KeptAnswer {
  KeptFields fields;  // empty if there is no answer
  // Without framing, but encoded as its Content-Encoding says. Nothing: not kept, or incomplete.
  std::optional<std::string> body;
  // The body's bytes, without framing. Nothing: unknown, or the client has not got the whole body.
  std::optional<std::uint64_t> size;
};

KeptAnswer read_kept_answer(const RequestRecord& record);

// Returns the request as a message that ends the connection after its answer. The request must be
// one that can be sent.
std::string message_of(const KeptRequest& request);

// Returns a command line for a POSIX shell. `url`: `http://localhost:8000`, without a path.
std::string curl_of(const KeptRequest& request, const std::string& url);

}  // namespace hpp::proxyd
