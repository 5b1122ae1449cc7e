#include "ctl/core/mcp_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/json_text.h"

namespace hpp::ctl {
namespace {

using Input = nlohmann::json;
using Output = nlohmann::ordered_json;

constexpr const char* kRevision = "2025-06-18";

// JSON-RPC 2.0, section 5.1.
constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kUnknownMethod = -32601;
constexpr int kInvalidParams = -32602;
constexpr int kTooManyCalls = -32000;  // a code that JSON-RPC leaves to the server

// Tells the agent what the tools are for, in one place.
constexpr const char* kInstructions =
    "hpp runs the development server of this project and restarts it after every save. After each "
    "edit, call wait_for_save: it reports whether the server runs the new code and, if not, the "
    "error with its file and line. Do not start the server yourself.";

// MCP allows text and whole numbers.
bool is_id(const Input& id) {
  return id.is_string() || id.is_number_integer();
}

// A member of an object; nullptr if there is none.
const Input* member(const Input& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::optional<std::string> text_member(const Input& object, const char* name) {
  const Input* const value = member(object, name);
  return value != nullptr && value->is_string() ? std::optional(value->get<std::string>())
                                                : std::nullopt;
}

}  // namespace

std::vector<McpEffect> McpSession::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    const bool is_complete = newline != std::string_view::npos;
    const std::string_view piece = bytes.substr(0, newline);
    bytes.remove_prefix(is_complete ? newline + 1 : bytes.size());
    if (!is_skipping_ && rest_.size() + piece.size() > kMessageMax) {
      is_skipping_ = true;
      rest_ = {};
      refuse(nullptr, kInvalidRequest,
             fmt::format("the message is longer than {} bytes", kMessageMax));
    }
    if (!is_skipping_) rest_ += piece;
    if (!is_complete) break;
    if (!std::exchange(is_skipping_, false)) handle_line(std::exchange(rest_, {}));
  }
  return take_effects();
}

void McpSession::handle_line(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  const Input message = parse_json(line);
  if (message.is_discarded()) return refuse(nullptr, kParseError, "the line is not JSON");
  if (!message.is_object()) {
    return refuse(nullptr, kInvalidRequest, "the message is not one JSON object");
  }
  handle_message(message);
}

void McpSession::handle_message(const Input& message) {
  // An answer. This server sends no requests. The client may report that it could not read one of
  // its answers. To refuse that could be repeated without end.
  if (message.contains("result") || message.contains("error")) return;
  const Input* const id = member(message, "id");
  const bool has_id = id != nullptr && is_id(*id);
  const Input error_id = has_id ? *id : Input();
  const auto method = text_member(message, "method");
  if (text_member(message, "jsonrpc") != "2.0" || !method || (id != nullptr && !has_id)) {
    return refuse(error_id, kInvalidRequest, "the message is not a request of JSON-RPC 2.0");
  }
  static const Input kNoParams = Input::object();
  const Input* const given = member(message, "params");
  const Input& params = given != nullptr ? *given : kNoParams;
  if (!has_id) {
    if (params.is_object()) handle_notification(*method, params);
  } else if (!params.is_object()) {
    refuse(*id, kInvalidParams, "params is not an object");
  } else if (is_under_way(*id)) {
    refuse(*id, kInvalidRequest, "a request with this id is under way");
  } else {
    handle_request(*id, *method, params);
  }
}

void McpSession::handle_request(const Input& id, const std::string& method, const Input& params) {
  if (method == "initialize") return initialize(id, params);
  if (method == "ping") return answer(id, Output::object());
  if (method == "tools/call") return call_tool(id, params);
  if (method != "tools/list") {
    return refuse(id, kUnknownMethod, fmt::format("there is no method {}", method));
  }
  // The list has one page, so that no answer has a cursor.
  if (params.contains("cursor")) return refuse(id, kInvalidParams, "the cursor is not known");
  answer(id, {{"tools", tool_list()}});
}

void McpSession::handle_notification(const std::string& method, const Input& params) {
  const Input* const id = member(params, "requestId");
  if (method != "notifications/cancelled" || id == nullptr) return;
  for (auto call = calls_.begin(); call != calls_.end(); ++call) {
    if (call->second.id != *id) continue;
    emit(KillCommand{call->first});
    calls_.erase(call);
    return;
  }
}

void McpSession::initialize(const Input& id, const Input& params) {
  if (!text_member(params, "protocolVersion")) {
    return refuse(id, kInvalidParams, "protocolVersion is missing");
  }
  answer(id, {{"protocolVersion", kRevision},
              {"capabilities", {{"tools", Output::object()}}},
              {"serverInfo", {{"name", "hpp"}, {"title", "hpp"}, {"version", hpp_version_}}},
              {"instructions", kInstructions}});
}

void McpSession::call_tool(const Input& id, const Input& params) {
  const auto tool = text_member(params, "name");
  static const Input kNoArguments = Input::object();
  const Input* const given = member(params, "arguments");
  const Input& arguments = given != nullptr ? *given : kNoArguments;
  if (!tool) return refuse(id, kInvalidParams, "name is missing");
  if (!arguments.is_object()) return refuse(id, kInvalidParams, "arguments is not an object");
  auto command = tool_command(*tool, arguments);
  if (const auto* const refused = std::get_if<RefusedCall>(&command)) {
    return refuse(id, kInvalidParams, refused->why);
  }
  if (calls_.size() >= kCallsMax) {
    return refuse(id, kTooManyCalls,
                  fmt::format("{} calls are under way; wait until one of them ends", kCallsMax));
  }
  calls_.emplace(++last_call_, Call{.id = id, .tool = *tool});
  emit(StartCommand{.call = last_call_,
                    .words = std::get<std::vector<std::string>>(std::move(command))});
}

std::vector<McpEffect> McpSession::command_ended(std::uint64_t call,
                                                 const CommandOutcome& outcome) {
  const auto ended = calls_.find(call);
  if (ended == calls_.end()) return {};
  answer(ended->second.id, tool_result(ended->second.tool, outcome));
  calls_.erase(ended);
  return take_effects();
}

bool McpSession::is_under_way(const Input& id) const {
  return std::any_of(calls_.begin(), calls_.end(),
                     [&id](const auto& call) { return call.second.id == id; });
}

void McpSession::answer(const Input& id, Output result) {
  send({{"jsonrpc", "2.0"}, {"id", Output(id)}, {"result", std::move(result)}});
}

void McpSession::refuse(const Input& id, int code, const std::string& message) {
  send({{"jsonrpc", "2.0"}, {"id", Output(id)}, {"error", {{"code", code}, {"message", message}}}});
}

void McpSession::send(const Output& message) {
  emit(SendMessage{json_text(message) + '\n'});
}

}  // namespace hpp::ctl
