// Pure. Reads a kept request and its answer (request_records.h), and writes the request as a
// message that hpp sends again. curl_command.h writes it for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
  std::optional<int> minor;  // HTTP/1.<minor>; nothing if there is no answer
  std::string reason;        // `Not Found`
  KeptFields fields;
  // Without framing, but encoded as its Content-Encoding says. Nothing: not kept, or incomplete.
  std::optional<std::string> body;
  // The body's bytes, without framing. Nothing: unknown, or the client has not got the whole body.
  std::optional<std::uint64_t> size;
};

KeptAnswer read_kept_answer(const RequestRecord& record);

// Returns the request as a message that ends the connection after its answer. The request must be
// one that can be sent.
std::string message_of(const KeptRequest& request);

// Whether the field concerns one connection, or says where the body ends. A program that sends the
// request again writes such fields itself.
bool is_about_connection(std::string_view name);

// Whether the request had a body, which may have been empty.
bool announces_body(const KeptRequest& request);

}  // namespace hpp::proxyd
