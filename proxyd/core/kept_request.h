// Pure. Reads a kept request (request_records.h), and writes it for other programs: as a message
// that hpp sends again, and as a command line for curl(1).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxyd/core/request_records.h"

namespace hpp::proxyd {

using KeptFields = std::vector<std::pair<std::string, std::string>>;

// Returns the fields of a head: of a request, or of an answer. Empty if the text is no head.
KeptFields kept_fields(const std::string& head);

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

// Returns the request as a message that ends the connection after its answer. The request must be
// one that can be sent.
std::string message_of(const KeptRequest& request);

// Returns a command line for a POSIX shell. `url`: `http://localhost:8000`, without a path.
std::string curl_of(const KeptRequest& request, const std::string& url);

}  // namespace hpp::proxyd
