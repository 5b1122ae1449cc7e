#include "ctl/core/mcp_tools.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace hpp::ctl {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

Words words(const char* tool, const char* arguments = "{}") {
  const auto command = tool_command(tool, nlohmann::json::parse(arguments));
  const auto* const refused = std::get_if<RefusedCall>(&command);
  EXPECT_EQ(refused, nullptr) << refused->why;
  return refused == nullptr ? std::get<Words>(command) : Words{};
}

std::string refusal(const char* tool, const char* arguments) {
  const auto command = tool_command(tool, nlohmann::json::parse(arguments));
  const auto* const refused = std::get_if<RefusedCall>(&command);
  return refused == nullptr ? "" : refused->why;
}

TEST(McpTools, AreListedWithTheirSchemas) {
  std::set<std::string> names;
  for (const Json& tool : tool_list()) {
    names.insert(tool["name"].get<std::string>());
    EXPECT_FALSE(tool["title"].get<std::string>().empty());
    EXPECT_FALSE(tool["description"].get<std::string>().empty());
    EXPECT_EQ(tool["inputSchema"]["type"], "object");
    EXPECT_TRUE(tool["inputSchema"]["properties"].is_object());
    EXPECT_EQ(tool["inputSchema"]["additionalProperties"], false);
    EXPECT_TRUE(tool["annotations"]["readOnlyHint"].is_boolean());
    if (tool.contains("outputSchema")) {
      EXPECT_EQ(tool["outputSchema"]["type"], "object");
      EXPECT_EQ(tool["outputSchema"]["required"], Json::array({"live"}));
    }
  }
  EXPECT_EQ(names, (std::set<std::string>{"check", "log", "pause", "restart", "resume", "status",
                                          "wait_for_save"}));
}

TEST(McpTools, AreCommandsOfHppCtl) {
  EXPECT_EQ(words("status"), (Words{"status", "--json"}));
  EXPECT_EQ(words("wait_for_save"), (Words{"wait", "--json", "--timeout", "50000"}));
  EXPECT_EQ(words("wait_for_save", R"({"timeout_ms": 300})"),
            (Words{"wait", "--json", "--timeout", "300"}));
  EXPECT_EQ(words("restart"), (Words{"restart", "--wait", "--json", "--timeout", "50000"}));
  EXPECT_EQ(words("log"), (Words{"log", "--lines", "200"}));
  EXPECT_EQ(words("log", R"({"lines": 5, "since_save": true})"),
            (Words{"log", "--since-save", "--lines", "5"}));
  EXPECT_EQ(words("log", R"({"generation": 3, "since_save": false})"),
            (Words{"log", "--generation", "3", "--lines", "200"}));
  EXPECT_EQ(words("check", R"({"path": "/a b"})"),
            (Words{"check", "--json", "/a b", "--timeout", "50000"}));
  EXPECT_EQ(words("pause"), (Words{"pause"}));
  EXPECT_EQ(words("resume"), (Words{"resume"}));
}

TEST(McpTools, TakeWholeNumbersInAnyNotation) {
  EXPECT_EQ(words("log", R"({"lines": 5.0})"), (Words{"log", "--lines", "5"}));
  EXPECT_EQ(words("log", R"({"lines": 1e3})"), (Words{"log", "--lines", "1000"}));
  for (const char* const lines : {"0", "-1", "2001", "1.5", "1e300", "18446744073709551615",
                                  "\"5\"", "null", "[5]", "true"}) {
    const std::string arguments = std::string("{\"lines\": ") + lines + '}';
    EXPECT_EQ(refusal("log", arguments.c_str()), "lines must be a whole number from 1 to 2000")
        << lines;
  }
}

TEST(McpTools, RefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(refusal("stop", "{}"),
            "there is no tool stop; the tools are status, wait_for_save, log, check, "
            "restart, pause, resume");
  EXPECT_EQ(refusal("log", R"({"follow": true})"), "log has no argument follow");
  EXPECT_EQ(refusal("log", R"({"since_save": "yes"})"), "since_save must be true or false");
  EXPECT_EQ(refusal("check", "{}"), "check needs the argument path");
  EXPECT_EQ(refusal("check", R"({"path": 1})"), "path must be a string");
  for (const char* const path :
       {R"({"path": ""})", R"({"path": "--name=x"})", R"({"path": "/\u0000"})"})
    EXPECT_EQ(refusal("check", path), "path must be neither empty nor an option");
}

TEST(McpTools, ReturnAnObjectAsTextToo) {
  const std::string out = "{\"live\":false,\"reason\":\"crashed\"}\n";
  const Json result = tool_result("wait_for_save", {.status = 1, .out = out});
  EXPECT_EQ(result["structuredContent"], Json::parse(out));
  EXPECT_EQ(result["content"], Json::array({Json{{"type", "text"}, {"text", out}}}));
  EXPECT_EQ(result["isError"], false) << "that the save has failed is the answer";
}

TEST(McpTools, FailIfTheCommandCannotAnswer) {
  const auto is_error = [](const char* tool, const CommandOutcome& outcome) {
    return tool_result(tool, outcome)["isError"].get<bool>();
  };
  const std::string object = "{\"live\":false}\n";
  EXPECT_FALSE(is_error("wait_for_save", {.status = 0, .out = object}));
  EXPECT_FALSE(is_error("wait_for_save", {.status = 3, .out = object})) << "timed out";
  for (const int status : {2, 4, 75, -1})
    EXPECT_TRUE(is_error("wait_for_save", {.status = status, .out = object})) << status;
  for (const char* const out : {"", "{", "[]", "live\n"})
    EXPECT_TRUE(is_error("wait_for_save", {.status = 0, .out = out})) << out;
  EXPECT_TRUE(is_error("wait_for_save", {.status = 0, .out = object, .problem = "killed"}));
  EXPECT_FALSE(is_error("log", {.status = 0, .out = "a\n"}));
  EXPECT_TRUE(is_error("log", {.status = 1}));
  EXPECT_TRUE(is_error("log", {.status = 0, .problem = "killed"}));
}

TEST(McpTools, SayWhy) {
  const auto text = [](const char* tool, const CommandOutcome& outcome) {
    return tool_result(tool, outcome)["content"][0]["text"].get<std::string>();
  };
  EXPECT_EQ(text("status", {.status = 4, .err = "hpp-ctl: error: no hpp is running\n"}),
            "hpp-ctl: error: no hpp is running\n");
  EXPECT_EQ(text("log", {.status = 0}), "nothing was printed\n");
  EXPECT_EQ(text("log", {.status = 5}), "hpp-ctl has ended with exit status 5\n");
  EXPECT_EQ(text("log", {.status = -1, .out = "a\n", .problem = "it was killed"}),
            "a\nit was killed\n");
}

}  // namespace
}  // namespace hpp::ctl
