// Pure. The tools of `hpp-ctl mcp`. A call of a tool is one command of hpp-ctl: this part makes the
// command line from the call's arguments, and the call's result from what the command has printed.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hpp::ctl {

// Why a call is refused, in one line for the client.
struct RefusedCall {
  std::string why;

  bool operator==(const RefusedCall&) const = default;
};

// How a command has ended.
struct CommandOutcome {
  int status = 0;       // its exit status, see CommandStatus; -1: a signal has ended it
  std::string out;      // what it has printed on stdout
  std::string err;      // what it has printed on stderr
  std::string problem;  // why it was not started, or was killed; empty if it has ended by itself
};

// Returns the tools' names, descriptions and schemas, for the answer to `tools/list`.
nlohmann::ordered_json tool_list();

// Returns the words of hpp-ctl's command line, without the program: `wait`, `--json`, ….
// `arguments` is the object `arguments` of `tools/call`.
std::variant<std::vector<std::string>, RefusedCall> tool_command(std::string_view tool,
                                                                 const nlohmann::json& arguments);

// Returns the result of a call (CallToolResult). `tool` is the name of a tool that exists.
nlohmann::ordered_json tool_result(std::string_view tool, const CommandOutcome& outcome);

}  // namespace hpp::ctl
