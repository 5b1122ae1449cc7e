#include "ctl/core/mcp_session.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hpp::ctl {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kUnknownMethod = -32601;
constexpr int kInvalidParams = -32602;

std::string request(const Json& id, const char* method, const Json& params = Json::object()) {
  return Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}.dump() + '\n';
}

std::string notification(const char* method, const Json& params = Json::object()) {
  return Json{{"jsonrpc", "2.0"}, {"method", method}, {"params", params}}.dump() + '\n';
}

std::string call_of(const Json& id, const char* tool, const Json& arguments = Json::object()) {
  return request(id, "tools/call", {{"name", tool}, {"arguments", arguments}});
}

std::string cancellation(const Json& id) {
  return notification("notifications/cancelled",
                      {{"requestId", id}, {"reason", "changed my mind"}});
}

class McpSessionTest : public testing::Test {
 protected:
  // Returns the messages that the session sends. There must be no other effects.
  std::vector<Json> sent(const std::vector<McpEffect>& effects) {
    std::vector<Json> messages;
    for (const McpEffect& effect : effects) {
      const auto* const message = std::get_if<SendMessage>(&effect);
      EXPECT_NE(message, nullptr) << "a command";
      if (message == nullptr) continue;
      EXPECT_EQ(message->line.find('\n'), message->line.size() - 1) << "one line";
      messages.push_back(Json::parse(message->line));
      EXPECT_EQ(messages.back()["jsonrpc"], "2.0");
    }
    return messages;
  }

  std::vector<Json> tell(std::string_view bytes) { return sent(session.take(bytes)); }

  // The only answer to `bytes`.
  Json ask(std::string_view bytes) {
    const auto messages = tell(bytes);
    EXPECT_EQ(messages.size(), 1U) << bytes.substr(0, 200);
    return messages.empty() ? Json() : messages.front();
  }

  // The code of the error that answers `bytes`, which is for the request `id`.
  int error_of(std::string_view bytes, const Json& id = nullptr) {
    const Json message = ask(bytes);
    EXPECT_EQ(message.value("id", Json("none")), id) << message;
    EXPECT_FALSE(message.contains("result")) << message;
    if (!message.contains("error")) return 0;
    EXPECT_FALSE(message["error"]["message"].get<std::string>().empty());
    return message["error"]["code"].get<int>();
  }

  // Starts a call, and returns its command.
  StartCommand start(const std::string& bytes) {
    const auto effects = session.take(bytes);
    EXPECT_EQ(effects.size(), 1U);
    const auto* const command =
        effects.empty() ? nullptr : std::get_if<StartCommand>(&effects.front());
    EXPECT_NE(command, nullptr) << bytes;
    return command == nullptr ? StartCommand{} : *command;
  }

  McpSession session{"1.2.3"};
};

TEST_F(McpSessionTest, OffersTheSameRevisionToEveryClient) {
  for (const char* const revision : {"2025-06-18", "2024-11-05", "2099-01-01", ""}) {
    const Json message = ask(request(
        1, "initialize",
        {{"protocolVersion", revision}, {"capabilities", Json::object()}, {"clientInfo", {}}}));
    EXPECT_EQ(message["id"], 1);
    const Json& result = message["result"];
    EXPECT_EQ(result["protocolVersion"], "2025-06-18") << revision;
    EXPECT_EQ(result["capabilities"], Json::parse(R"({"tools":{}})"));
    EXPECT_EQ(result["serverInfo"]["name"], "hpp");
    EXPECT_EQ(result["serverInfo"]["version"], "1.2.3");
    EXPECT_NE(result["instructions"].get<std::string>().find("wait_for_save"), std::string::npos);
  }
  EXPECT_TRUE(tell(notification("notifications/initialized")).empty());
  EXPECT_EQ(error_of(request(2, "initialize"), 2), kInvalidParams);
  EXPECT_EQ(error_of(request(3, "initialize", {{"protocolVersion", 20250618}}), 3), kInvalidParams);
}

TEST_F(McpSessionTest, AnswersAPingAndListsTheTools) {
  EXPECT_EQ(ask(request("p", "ping")), Json::parse(R"({"jsonrpc":"2.0","id":"p","result":{}})"));
  const Json tools = ask(request(-7, "tools/list"))["result"]["tools"];
  EXPECT_EQ(tools, tool_list());
  EXPECT_EQ(error_of(request(1, "tools/list", {{"cursor", "page 2"}}), 1), kInvalidParams);
}

TEST_F(McpSessionTest, ACallRunsACommandAndReturnsItsOutcome) {
  const StartCommand command = start(call_of("x", "wait_for_save", {{"timeout_ms", 7}}));
  EXPECT_EQ(command.words, (std::vector<std::string>{"wait", "--json", "--timeout", "7"}));
  const auto messages =
      sent(session.command_ended(command.call, {.status = 1, .out = "{\"live\":false}\n"}));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0]["id"], "x");
  EXPECT_EQ(messages[0]["result"]["structuredContent"]["live"], false);
  EXPECT_TRUE(session.command_ended(command.call, {}).empty()) << "it is answered once";
}

TEST_F(McpSessionTest, AnswersCallsInTheOrderOfTheirEnds) {
  const StartCommand first = start(call_of(1, "wait_for_save"));
  const StartCommand second = start(call_of(2, "log"));
  EXPECT_NE(first.call, second.call);
  EXPECT_EQ(ask(request(3, "ping"))["id"], 3) << "a ping does not wait for calls";
  EXPECT_EQ(sent(session.command_ended(second.call, {.out = "text\n"})).at(0)["id"], 2);
  EXPECT_EQ(sent(session.command_ended(first.call, {.out = "{}"})).at(0)["id"], 1);
}

TEST_F(McpSessionTest, ACancelledCallIsKilledAndNotAnswered) {
  const StartCommand kept = start(call_of(1, "wait_for_save"));
  const StartCommand cancelled = start(call_of("1", "wait_for_save"));
  const std::vector<McpEffect> expected{KillCommand{cancelled.call}};
  EXPECT_EQ(session.take(cancellation("1")), expected);
  EXPECT_TRUE(session.command_ended(cancelled.call, {.status = -1}).empty());
  EXPECT_TRUE(session.take(cancellation("1")).empty()) << "it is over";
  EXPECT_EQ(sent(session.command_ended(kept.call, {.out = "{}"})).size(), 1U);
  EXPECT_TRUE(session.take(cancellation(1)).empty()) << "it is answered";
}

TEST_F(McpSessionTest, ACancellationOfNothingIsIgnored) {
  const StartCommand call = start(call_of(1, "log"));
  for (const Json& id : {Json(2), Json("1"), Json(), Json::array({1}), Json(1.5)}) {
    EXPECT_TRUE(session.take(cancellation(id)).empty()) << id;
  }
  EXPECT_TRUE(session.take(notification("notifications/cancelled")).empty());
  EXPECT_EQ(sent(session.command_ended(call.call, {})).size(), 1U);
}

TEST_F(McpSessionTest, RefusesWrongCalls) {
  EXPECT_EQ(error_of(call_of(1, "rm"), 1), kInvalidParams);
  EXPECT_EQ(error_of(call_of(2, "status", {{"verbose", true}}), 2), kInvalidParams);
  EXPECT_EQ(error_of(request(3, "tools/call"), 3), kInvalidParams);
  EXPECT_EQ(error_of(request(4, "tools/call", {{"name", 1}}), 4), kInvalidParams);
  EXPECT_EQ(error_of(request(5, "tools/call", {{"name", "log"}, {"arguments", "all"}}), 5),
            kInvalidParams);
  EXPECT_EQ(error_of(request(6, "tools/call", {{"name", "log"}, {"arguments", nullptr}}), 6),
            kInvalidParams);
  EXPECT_EQ(start(request(7, "tools/call", {{"name", "log"}})).words.front(), "log");
}

TEST_F(McpSessionTest, RefusesAnIdThatIsUnderWay) {
  const StartCommand call = start(call_of(1, "log"));
  EXPECT_EQ(error_of(call_of(1, "status"), 1), kInvalidRequest);
  EXPECT_EQ(error_of(request(1, "ping"), 1), kInvalidRequest);
  sent(session.command_ended(call.call, {}));
  EXPECT_TRUE(ask(request(1, "ping")).contains("result"));
}

TEST_F(McpSessionTest, LimitsTheCallsUnderWay) {
  std::vector<std::uint64_t> calls;
  for (std::size_t i = 0; i < McpSession::kCallsMax; ++i)
    calls.push_back(start(call_of(i, "wait_for_save")).call);
  EXPECT_EQ(error_of(call_of("more", "status"), "more"), -32000);
  sent(session.command_ended(calls.front(), {}));
  start(call_of("more", "status"));
}

TEST_F(McpSessionTest, RefusesUnknownMethodsAndIgnoresUnknownNotifications) {
  for (const char* const method : {"resources/list", "prompts/list", "notifications/cancelled", ""})
    EXPECT_EQ(error_of(request(1, method), 1), kUnknownMethod) << method;
  for (const char* const method : {"notifications/progress", "ping", "tools/call", "bogus"})
    EXPECT_TRUE(session.take(notification(method)).empty()) << method;
}

TEST_F(McpSessionTest, RefusesWhatIsNoRequest) {
  const std::pair<const char*, int> cases[] = {
      {"{", kParseError},
      {"hello", kParseError},
      {"\xff", kParseError},
      {R"({"jsonrpc":"2.0","id":1,"method":"ping"} {})", kParseError},
      {R"({"jsonrpc":"2.0","id":1,"method":"\xff"})", kParseError},
      {"[]", kInvalidRequest},  // this revision has no batches
      {R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])", kInvalidRequest},
      {"null", kInvalidRequest},
      {"{}", kInvalidRequest},
      {R"({"id":null,"jsonrpc":"2.0","method":"ping"})", kInvalidRequest},
      {R"({"id":1.5,"jsonrpc":"2.0","method":"ping"})", kInvalidRequest},
      {R"({"id":[1],"jsonrpc":"2.0","method":"ping"})", kInvalidRequest},
  };
  for (const auto& [line, code] : cases)
    EXPECT_EQ(error_of(std::string(line) + '\n'), code) << line;
  EXPECT_EQ(error_of("{\"id\":1,\"method\":\"ping\"}\n", 1), kInvalidRequest);
  EXPECT_EQ(error_of("{\"id\":1,\"jsonrpc\":\"1.0\",\"method\":\"ping\"}\n", 1), kInvalidRequest);
  EXPECT_EQ(error_of("{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":5}\n", 1), kInvalidRequest);
  EXPECT_EQ(error_of(request(1, "ping", Json::array({1})), 1), kInvalidParams);
  EXPECT_TRUE(session.take("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":[1]}\n").empty());
}

// Two programs that refuse each other's errors would never end.
TEST_F(McpSessionTest, DoesNotAnswerAnswers) {
  for (const char* const line :
       {R"({"jsonrpc":"2.0","id":1,"result":{}})", R"({"jsonrpc":"2.0","id":null,"error":{}})",
        R"({"error":"what?"})"}) {
    EXPECT_TRUE(session.take(std::string(line) + '\n').empty()) << line;
  }
}

TEST_F(McpSessionTest, ReadsLinesInAnyPieces) {
  const std::string text =
      "\n \r\n" + request(1, "ping") + "\r\n" + request("\u00e9", "ping") + request(3, "ping");
  for (std::size_t size = 1; size < text.size(); ++size) {
    std::vector<Json> ids;
    for (std::size_t at = 0; at < text.size(); at += size) {
      for (const Json& message : tell(std::string_view(text).substr(at, size)))
        ids.push_back(message["id"]);
    }
    EXPECT_EQ(ids, (std::vector<Json>{1, "\u00e9", 3})) << size;
  }
  EXPECT_TRUE(session.take("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}").empty())
      << "the line has not ended";
}

TEST_F(McpSessionTest, SkipsAMessageThatIsTooLong) {
  const std::string piece(64 * 1024, 'x');
  std::vector<Json> messages;
  for (std::size_t size = 0; size <= 4 * McpSession::kMessageMax; size += piece.size()) {
    for (Json& message : tell(piece)) messages.push_back(std::move(message));
  }
  ASSERT_EQ(messages.size(), 1U) << "it is refused once";
  EXPECT_EQ(messages[0]["error"]["code"], kInvalidRequest);
  EXPECT_TRUE(messages[0]["id"].is_null());
  EXPECT_EQ(ask("x\n" + request(2, "ping"))["id"], 2) << "and the next one is read";
}

TEST_F(McpSessionTest, TakesAMessageOfTheGreatestLength) {
  std::string line = request(1, "ping", {{"text", ""}});
  const std::size_t size = line.size() - 1;
  line = request(1, "ping", {{"text", std::string(McpSession::kMessageMax - size, 'x')}});
  EXPECT_TRUE(ask(line).contains("result"));
  line = request(2, "ping", {{"text", std::string(McpSession::kMessageMax - size + 1, 'x')}});
  EXPECT_EQ(error_of(line), kInvalidRequest);
}

TEST_F(McpSessionTest, SurvivesDeepMessages) {
  const std::size_t depth = 100'000;
  EXPECT_EQ(error_of(std::string(depth, '[') + '\n'), kParseError);
  EXPECT_EQ(error_of(std::string(depth, '[') + std::string(depth, ']') + '\n'), kInvalidRequest);
  const std::string deep = std::string(depth, '[') + std::string(depth, ']');
  EXPECT_EQ(error_of("{\"jsonrpc\":\"2.0\",\"id\":" + deep + ",\"method\":\"ping\"}\n"),
            kInvalidRequest);
  EXPECT_EQ(ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"a\":" + deep +
                "}}\n")["id"],
            1);
  EXPECT_EQ(error_of("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
                     "\"log\",\"arguments\":{\"lines\":" +
                         deep + "}}}\n",
                     1),
            kInvalidParams);
  EXPECT_TRUE(session
                  .take("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                        "\"requestId\":" +
                        deep + "}}\n")
                  .empty());
}

TEST_F(McpSessionTest, AnswersWithValidTextIfACommandPrintsOtherBytes) {
  const StartCommand call = start(call_of(1, "log"));
  const auto messages = sent(session.command_ended(call.call, {.out = "\xff\xfe\n"}));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0]["result"]["content"][0]["text"], "\ufffd\ufffd\n");
}

}  // namespace
}  // namespace hpp::ctl
