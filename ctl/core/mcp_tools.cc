#include "ctl/core/mcp_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/json_text.h"
#include "ctl/core/failure.h"

namespace hpp::ctl {
namespace {

using Json = nlohmann::ordered_json;
using Arguments = nlohmann::json;
using Words = std::vector<std::string>;

// The longest wait of a tool. Clients give a request up after 60 s by default, and the agent then
// does not learn that the server is only slow.
constexpr std::int64_t kTimeoutMaxMs = 3'600'000;
constexpr std::int64_t kTimeoutMs = 50'000;
constexpr std::int64_t kLinesMax = 2'000;
constexpr std::int64_t kLines = 200;

// One argument of a tool, and the option of the command that it becomes.
struct Argument {
  enum class Type { Flag, Number, Word };

  const char* name;
  Type type;
  const char* option;  // for a word, which every call must have: nullptr
  const char* description;
  std::int64_t max = 0;  // for a number, which is at least 1
  // For a number: the value if the call has none.
  std::optional<std::int64_t> default_value = {};
};

struct Tool {
  enum class Output { Object, Lines };

  const char* name;
  const char* title;
  const char* description;
  Words words;  // the first words of the command line
  std::vector<Argument> arguments;
  Output output;
  bool is_read_only;
  Json (*output_schema)() = nullptr;
};

Json schema_of_outcome() {
  const Json text = {{"type", "string"}};
  const Json number = {{"type", "integer"}};
  const Json error = {
      {"type", {"object", "null"}},
      {"description", "the error that the server's output names"},
      {"properties",
       {{"message", text}, {"file", text}, {"line", {{"type", {"integer", "null"}}}}}}};
  return {{"type", "object"},
          {"properties",
           {{"live", {{"type", "boolean"}, {"description", "whether the last save is served"}}},
            {"reason", {{"type", "string"}, {"description", "why it is not live"}}},
            {"message", text},
            {"error", error},
            {"changed", {{"type", "array"}, {"items", text}}},
            {"generation", number},
            {"output", {{"type", "string"}, {"description", "the end of the server's output"}}},
            {"url", text}}},
          {"required", Json::array({"live"})}};
}

constexpr const char* kTimeoutText = "how long to wait, in milliseconds";

Argument timeout() {
  return {"timeout_ms", Argument::Type::Number, "--timeout",
          kTimeoutText, kTimeoutMaxMs,          kTimeoutMs};
}

std::vector<Tool> tools_that_read() {
  return {
      {.name = "status",
       .title = "State of the server",
       .description =
           "Returns the state of the development server, of the watched files and of the requests: "
           "whether the server runs, its URL, its last error and the end of its output. Does not "
           "wait for a save; use wait_for_save after an edit.",
       .words = {"status", "--json"},
       .arguments = {},
       .output = Tool::Output::Object,
       .is_read_only = true},
      {.name = "wait_for_save",
       .title = "Wait for the last save",
       .description =
           "Call this after every edit. Waits until the server that answers was started after "
           "every "
           "save that preceded the call, or has failed with it. Returns live: true, or live: false "
           "with the reason, and the error with its message, file and line.",
       .words = {"wait", "--json"},
       .arguments = {timeout()},
       .output = Tool::Output::Object,
       .is_read_only = true,
       .output_schema = schema_of_outcome},
      {.name = "log",
       .title = "Output of the server",
       .description =
           "Returns what the server and its build have printed, also before the last restarts. "
           "Each "
           "line begins with the time, the number of the start of the server (its generation) and "
           "the stream: stdout, stderr, build or hpp.",
       .words = {"log"},
       .arguments = {{"since_save", Argument::Type::Flag, "--since-save",
                      "only what was printed since the save that caused the last restart"},
                     {"generation", Argument::Type::Number, "--generation",
                      "only the output of this start of the server", UINT32_MAX},
                     {"lines", Argument::Type::Number, "--lines", "at most the last lines",
                      kLinesMax, kLines}},
       .output = Tool::Output::Lines,
       .is_read_only = true},
  };
}

std::vector<Tool> tools_that_act() {
  return {
      {.name = "check",
       .title = "Request a page",
       .description =
           "Waits like wait_for_save, and then sends a GET request for the page. Returns live: "
           "true with the status, the body and what the server has printed meanwhile, or what "
           "wait_for_save returns if the save has failed. A view may raise an exception only now: "
           "if the status is 500 or more, error has its message, file and line.",
       .words = {"check", "--json"},
       .arguments = {{"path", Argument::Type::Word, nullptr,
                      "path of the page, such as /cart?id=1"},
                     timeout()},
       .output = Tool::Output::Object,
       .is_read_only = false},
      {.name = "restart",
       .title = "Restart the server",
       .description =
           "Restarts the server as after a save, and waits until the new one answers or has "
           "failed. "
           "Saves restart the server by themselves; use this if the server hangs, or if something "
           "has changed that hpp does not watch. The result is that of wait_for_save.",
       .words = {"restart", "--wait", "--json"},
       .arguments = {timeout()},
       .output = Tool::Output::Object,
       .is_read_only = false,
       .output_schema = schema_of_outcome},
      {.name = "pause",
       .title = "Pause restarts",
       .description =
           "From now on, saves do not restart the server; they are only noted. Use it before many "
           "edits that belong together, and resume after the last one.",
       .words = {"pause"},
       .arguments = {},
       .output = Tool::Output::Lines,
       .is_read_only = false},
      {.name = "resume",
       .title = "End the pause",
       .description =
           "Ends the pause, and restarts the server at once if files were saved meanwhile. Call "
           "wait_for_save after it.",
       .words = {"resume"},
       .arguments = {},
       .output = Tool::Output::Lines,
       .is_read_only = false},
  };
}

const std::vector<Tool>& tools() {
  static const std::vector<Tool> all = [] {
    std::vector<Tool> list = tools_that_read();
    for (const Tool& tool : tools_that_act()) list.push_back(tool);
    return list;
  }();
  return all;
}

const Tool* find(std::string_view name) {
  const auto found = std::find_if(tools().begin(), tools().end(),
                                  [name](const Tool& tool) { return name == tool.name; });
  return found == tools().end() ? nullptr : &*found;
}

Json schema_of(const Argument& argument) {
  if (argument.type == Argument::Type::Flag) {
    return {{"type", "boolean"}, {"description", argument.description}};
  }
  if (argument.type == Argument::Type::Word) {
    return {{"type", "string"}, {"description", argument.description}};
  }
  Json schema{{"type", "integer"},
              {"description", argument.description},
              {"minimum", 1},
              {"maximum", argument.max}};
  if (argument.default_value) schema["default"] = *argument.default_value;
  return schema;
}

Json describe(const Tool& tool) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Argument& argument : tool.arguments) {
    properties[argument.name] = schema_of(argument);
    if (argument.type == Argument::Type::Word) required.push_back(argument.name);
  }
  Json described{{"name", tool.name},
                 {"title", tool.title},
                 {"description", tool.description},
                 {"inputSchema",
                  {{"type", "object"},
                   {"properties", std::move(properties)},
                   {"required", std::move(required)},
                   {"additionalProperties", false}}},
                 {"annotations",
                  {{"readOnlyHint", tool.is_read_only},
                   {"destructiveHint", false},
                   {"openWorldHint", false}}}};
  if (tool.output_schema != nullptr) described["outputSchema"] = tool.output_schema();
  return described;
}

// A whole number, which a client may have written as 5.0.
std::optional<std::int64_t> whole_number(const Arguments& value) {
  constexpr double kExactMax = 9'007'199'254'740'992.0;  // 2^53
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (std::abs(number) > kExactMax || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

// Appends the option for `value`, which the call has for the argument. Returns why it is refused;
// empty if it is not.
std::string append(Words& words, const Argument& argument, const Arguments& value) {
  if (argument.type == Argument::Type::Flag) {
    if (!value.is_boolean()) return fmt::format("{} must be true or false", argument.name);
    if (value.get<bool>()) words.emplace_back(argument.option);
    return "";
  }
  if (argument.type == Argument::Type::Word) {
    if (!value.is_string()) return fmt::format("{} must be a string", argument.name);
    std::string word = value.get<std::string>();
    if (word.empty() || word.front() == '-' || word.find('\0') != std::string::npos) {
      return fmt::format("{} must be neither empty nor an option", argument.name);
    }
    words.push_back(std::move(word));
    return "";
  }
  const auto number = whole_number(value);
  if (!number || *number < 1 || *number > argument.max) {
    return fmt::format("{} must be a whole number from 1 to {}", argument.name, argument.max);
  }
  words.insert(words.end(), {argument.option, std::to_string(*number)});
  return "";
}

std::string names_of_tools() {
  std::string names;
  for (const Tool& tool : tools()) names += (names.empty() ? "" : ", ") + std::string(tool.name);
  return names;
}

// Returns why the call has an argument that the tool does not know; empty if it has none.
std::string unknown_argument(const Tool& tool, const Arguments& arguments) {
  for (const auto& [name, value] : arguments.items()) {
    const auto is_name = [&name = name](const Argument& known) { return name == known.name; };
    if (std::none_of(tool.arguments.begin(), tool.arguments.end(), is_name)) {
      return fmt::format("{} has no argument {}", tool.name, name);
    }
  }
  return "";
}

Json text_content(const std::string& text) {
  return Json::array({{{"type", "text"}, {"text", text}}});
}

// Returns the text that the command has printed, for a person or an agent.
std::string all_text(const CommandOutcome& outcome) {
  std::string text = outcome.out + outcome.err;
  if (!outcome.problem.empty()) text += outcome.problem + '\n';
  if (!text.empty()) return text;
  if (outcome.status == static_cast<int>(CommandStatus::Done)) return "nothing was printed\n";
  return fmt::format("hpp-ctl has ended with exit status {}\n", outcome.status);
}

// Whether a command has an outcome that is an answer, although it is not the wanted one: the server
// has failed, or the time is over.
bool is_answer(int status) {
  return status == static_cast<int>(CommandStatus::Done) ||
         status == static_cast<int>(CommandStatus::Failed) ||
         status == static_cast<int>(CommandStatus::TimedOut);
}

}  // namespace

Json tool_list() {
  Json list = Json::array();
  for (const Tool& tool : tools()) list.push_back(describe(tool));
  return list;
}

std::variant<Words, RefusedCall> tool_command(std::string_view name, const Arguments& arguments) {
  const Tool* const tool = find(name);
  if (tool == nullptr) {
    return RefusedCall{
        fmt::format("there is no tool {}; the tools are {}", name, names_of_tools())};
  }
  if (std::string why = unknown_argument(*tool, arguments); !why.empty()) return RefusedCall{why};
  Words words = tool->words;
  for (const Argument& argument : tool->arguments) {
    const auto given = arguments.find(argument.name);
    if (given == arguments.end()) {
      if (argument.type == Argument::Type::Word) {
        return RefusedCall{fmt::format("{} needs the argument {}", tool->name, argument.name)};
      }
      if (!argument.default_value) continue;
      words.insert(words.end(), {argument.option, std::to_string(*argument.default_value)});
    } else if (std::string why = append(words, argument, *given); !why.empty()) {
      return RefusedCall{std::move(why)};
    }
  }
  return words;
}

Json tool_result(std::string_view name, const CommandOutcome& outcome) {
  const Tool* const tool = find(name);
  assert(tool != nullptr);
  const bool is_complete = outcome.problem.empty();
  if (tool->output == Tool::Output::Lines) {
    return {{"content", text_content(all_text(outcome))},
            {"isError", !is_complete || outcome.status != static_cast<int>(CommandStatus::Done)}};
  }
  Json object = parse_ordered_json(outcome.out);
  if (!is_complete || !object.is_object()) {
    return {{"content", text_content(all_text(outcome))}, {"isError", true}};
  }
  return {{"content", text_content(outcome.out)},
          {"structuredContent", std::move(object)},
          {"isError", !is_answer(outcome.status)}};
}

}  // namespace hpp::ctl
