// Pure. The conversation with one client of `hpp-ctl mcp`: the Model Context Protocol, revision
// 2025-06-18, over stdio. https://modelcontextprotocol.io/specification/2025-06-18
//
// Each message is one line of JSON (JSON-RPC 2.0). The client begins with `initialize`, asks for
// the tools and calls them. A call of a tool runs a command (mcp_tools.h). Several calls may be
// under way at the same time, and are answered in the order in which their commands end. A call
// that the client has cancelled is not answered.
//
// There is only one revision to negotiate: a client that asks for another one is offered this one,
// and disconnects if it does not know it. A request before `initialize` is answered all the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/emits.h"
#include "ctl/core/mcp_tools.h"

namespace hpp::ctl {

// Sends a message to the client.
struct SendMessage {
  std::string line;  // with its newline

  bool operator==(const SendMessage&) const = default;
};

// Runs a command of hpp-ctl. Its outcome must be passed to command_ended().
struct StartCommand {
  std::uint64_t call = 0;  // no two calls have the same number
  std::vector<std::string> words;

  bool operator==(const StartCommand&) const = default;
};

// Kills the command of a call. Its outcome is not wanted any more.
struct KillCommand {
  std::uint64_t call = 0;

  bool operator==(const KillCommand&) const = default;
};

using McpEffect = std::variant<SendMessage, StartCommand, KillCommand>;

class McpSession : Emits<McpEffect> {
 public:
  // Limit of a message of the client, in bytes. A longer one is an error, and is skipped.
  static constexpr std::size_t kMessageMax = 1024 * 1024;
  // Limit of the calls that are under way. Further ones are refused.
  static constexpr std::size_t kCallsMax = 16;

  // `hpp_version` is the server's version: `0.1.0`.
  explicit McpSession(std::string hpp_version) : hpp_version_(std::move(hpp_version)) {}

  // Takes the client's next bytes.
  std::vector<McpEffect> take(std::string_view bytes);

  // Takes the outcome of a command. Ignores a call that was cancelled.
  std::vector<McpEffect> command_ended(std::uint64_t call, const CommandOutcome& outcome);

 private:
  // A message of the client. An ordered_json would copy each member when it gets a later one, and
  // so recurse for each level of a deep value.
  using Input = nlohmann::json;
  using Output = nlohmann::ordered_json;

  struct Call {
    Input id;
    std::string tool;
  };

  void handle_line(std::string_view line);
  void handle_message(const Input& message);
  void handle_request(const Input& id, const std::string& method, const Input& params);
  void handle_notification(const std::string& method, const Input& params);
  void initialize(const Input& id, const Input& params);
  void call_tool(const Input& id, const Input& params);
  bool is_under_way(const Input& id) const;
  void answer(const Input& id, Output result);
  void refuse(const Input& id, int code, const std::string& message);
  void send(const Output& message);

  std::string hpp_version_;
  std::string rest_;          // an incomplete line
  bool is_skipping_ = false;  // until the end of a line that is too long
  std::map<std::uint64_t, Call> calls_;
  std::uint64_t last_call_ = 0;
};

}  // namespace hpp::ctl
