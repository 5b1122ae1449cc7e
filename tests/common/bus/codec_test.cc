#include "common/bus/codec.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

namespace hpp::bus {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kBig = (std::uint64_t{1} << 53) - 1;

std::vector<Message> samples() {
  const Stamp stamp{.epoch = kBig, .sequence = 7};
  const TreeState tree{
      .stamp = stamp,
      .revision = 3,
      .clock = "c:123:4",
      .watching = true,
      .problem = "words \"quoted\"\nand more",
      .changed = {"a.py", "ä/ö.py", ""},
      .changed_count = 21,
      .refresh = {.count = 4,
                  .css = {"a.css"},
                  .css_count = 22,
                  .reload = {"ä.html", "b"},
                  .reload_count = 2},
      .directory = "/home/ä/site",
      .directory_id = "2049:17",
      .other_roots = {"/home/ä/shared", "/srv/b"},
      .answers = {.epoch = 9, .number = kBig},
      .settling = true,
      .lag_ms = 3000,
  };
  BackendState backend{
      .stamp = stamp,
      .state = BackendPhase::Error,
      .generation = 4,
      .pid = 4'000'000,
      .command = {"python3", "-c", "x = '\\'"},
      .serves = {.epoch = 1, .revision = 2},
      .seen = {.epoch = 1, .revision = 3},
      .spawned_at_ms = 1'700'000'000'000,
      .ready_at_ms = 1'700'000'000'004,
      .exit = BackendExit{.code = 3, .signal = {}, .spawn_error = ""},
      .failure = Failure::Crashed,
      .error = BackendError{.message = "NameError: x",
                            .file = "app.py",
                            .line = 12,
                            .column = 3,
                            .source = "a\n",
                            .source_line = 12,
                            .frames = {{.file = "/usr/lib/x.py",
                                        .line = 1,
                                        .column = 2,
                                        .is_foreign = true,
                                        .output_line = 4,
                                        .output_lines = 3},
                                       {.file = "app.py"}}},
      .output_tail = std::string("\x1b[31mred\x1b[0m\t\0!", 14),
      .problem = "p",
      .restart_accepted = {.epoch = 9, .number = 7},
      .pause_accepted = {.epoch = 9, .number = 6},
      .answers = {.epoch = 9, .number = 8},
      .cause = {.text = "a.py changed", .changed = {"a.py", ""}, .at_ms = 1'700'000'000'001},
      .start = {.is_warm = true, .cold_because = "it was the first", .cold_ms = 480},
      .killed_at_ms = 1'700'000'000'002,
      .ended_at_ms = 1'700'000'000'003,
      .address = "127.0.0.1:8001",
      .stranger = "pid 1 (node)",
      .announced = true,
      .paused = true,
      .retry = {.tries = 2, .most = 3, .pause_ms = 2'000},
      .noted = {.epoch = 5, .revision = 9},
  };
  std::vector<Message> messages{tree, TreeState{}, backend, BackendState{}, ProxyState{}};
  backend.exit = BackendExit{.code = {}, .signal = 9, .spawn_error = ""};
  messages.emplace_back(backend);
  backend.exit = BackendExit{.code = {}, .signal = {}, .spawn_error = "No such file"};
  messages.emplace_back(backend);
  backend.exit = BackendExit{};  // the exit status is unknown
  messages.emplace_back(backend);
  for (const BackendPhase phase :
       {BackendPhase::Loading, BackendPhase::Running, BackendPhase::Error, BackendPhase::Killing}) {
    messages.emplace_back(BackendState{.stamp = stamp, .state = phase});
  }
  messages.emplace_back(ProxyState{.stamp = stamp,
                                   .listening = {"127.0.0.1:8000", "[::1]:8000"},
                                   .url = "http://localhost:8000/",
                                   .clients = 1,
                                   .held = 2,
                                   .forwarded = kBig,
                                   .replayed = 4,
                                   .problem = "words",
                                   .asks = {.epoch = 9, .number = 10},
                                   .liveness_check = {.epoch = 9, .number = 11},
                                   .released = 12,
                                   .restart = {.epoch = 9, .number = 13},
                                   .pause = {.epoch = 9, .number = 14},
                                   .pauses = true,
                                   .crash_generation = 15,
                                   .crash_requests = "GET /x"});
  return messages;
}

std::string topic_word(const std::string& text) {
  return text.substr(0, text.find(' '));
}

Json body(const std::string& text) {
  return Json::parse(text.substr(text.find(' ') + 1));
}

bool is_malformed(const std::string& text) {
  return std::holds_alternative<Malformed>(decode(text));
}

TEST(Codec, DecodesWhatItEncodes) {
  for (const Message& message : samples()) {
    const std::string text = encode(message);
    const Decoded decoded = decode(text);
    ASSERT_TRUE(std::holds_alternative<Message>(decoded))
        << text << ": " << std::get<Malformed>(decoded).why;
    EXPECT_TRUE(std::get<Message>(decoded) == message) << text;
  }
}

TEST(Codec, AMessageBeginsWithTheTopic) {
  EXPECT_EQ(topic_word(encode(TreeState{})), "tree");
  EXPECT_EQ(topic_word(encode(BackendState{})), "backend");
  EXPECT_EQ(topic_word(encode(ProxyState{})), "proxy");
}

TEST(Codec, TheTopicIncludesTheNameOfAnAuthor) {
  const Message message = BackendState{.stamp = {.author = "api", .epoch = 7, .sequence = 8}};
  const std::string text = encode(message);
  EXPECT_EQ(topic_word(text), "backend.api");
  const Decoded decoded = decode(text);
  ASSERT_TRUE(std::holds_alternative<Message>(decoded)) << std::get<Malformed>(decoded).why;
  EXPECT_TRUE(std::get<Message>(decoded) == message);
  EXPECT_EQ(author_of(message), AuthorId(Topic::Backend, "api"));
  EXPECT_NE(author_of(message), AuthorId(Topic::Backend));
}

TEST(Codec, WritesOneLine) {
  for (const Message& message : samples()) {
    EXPECT_EQ(encode(message).find('\n'), std::string::npos);
  }
}

TEST(Codec, IgnoresUnknownFields) {
  for (const Message& message : samples()) {
    const std::string text = encode(message);
    Json json = body(text);
    json["of the future"] = {1, {{"a", nullptr}}};
    const Decoded decoded = decode(topic_word(text) + ' ' + json.dump());
    ASSERT_TRUE(std::holds_alternative<Message>(decoded));
    EXPECT_TRUE(std::get<Message>(decoded) == message);
  }
}

bool is_later(const std::string& name) {
  return name == "refresh" || name == "directory" || name == "directory_id" || name == "cause" ||
         name == "start" || name == "killed_at_ms" || name == "ended_at_ms" || name == "address" ||
         name == "stranger" || name == "delay" || name == "restarts_asked" ||
         name == "restarts_done" || name == "liveness_check" || name == "released" ||
         name == "restart" || name == "restart_accepted" || name == "pause" || name == "pauses" ||
         name == "pause_accepted" || name == "lag_ms" || name == "other_roots" ||
         name == "failure" || name == "error" || name == "paused" || name == "noted" ||
         name == "url" || name == "announced" || name == "retry" || name == "crash_generation" ||
         name == "crash_requests";
}

TEST(Codec, DecodesMessagesOfAnEarlierVersion) {
  BackendState state = std::get<BackendState>(samples()[2]);
  Json json = body(encode(state));
  for (const char* name : {"cause", "start", "killed_at_ms", "ended_at_ms", "address", "stranger",
                           "delay", "restarts_asked", "restarts_done", "failure", "error", "paused",
                           "noted", "announced", "retry"})
    json.erase(name);
  const Decoded decoded = decode("backend " + json.dump());
  ASSERT_TRUE(std::holds_alternative<Message>(decoded));
  state.cause = {};
  state.start = {};
  state.failure = Failure::None;
  state.error.reset();
  state.killed_at_ms = state.ended_at_ms = 0;
  state.address.clear();
  state.stranger.clear();
  state.announced = false;
  state.retry = {};
  state.paused = false;
  state.noted = {};
  state.delay.clear();
  state.restarts_asked = state.restarts_done = 0;
  EXPECT_TRUE(std::get<Message>(decoded) == Message(state));
}

TEST(Codec, DecodesAReasonOfALaterVersion) {
  Json json = body(encode(BackendState{.failure = Failure::PortInUse}));
  EXPECT_EQ(json["failure"], "port_in_use");
  json["failure"] = "of the future";
  const Decoded decoded = decode("backend " + json.dump());
  EXPECT_TRUE(std::get<Message>(decoded) == Message(BackendState{}));
}

TEST(Codec, RejectsMalformedErrors) {
  const Json json = body(encode(samples()[2]));
  for (const auto& [name, value] : json["error"].items()) {
    Json less = json;
    less["error"].erase(name);
    EXPECT_TRUE(is_malformed("backend " + less.dump())) << "without " << name;
  }
  Json many = json;
  while (many["error"]["frames"].size() <= kFramesMax) {
    many["error"]["frames"].push_back(json["error"]["frames"][0]);
  }
  EXPECT_TRUE(is_malformed("backend " + many.dump()));
}

TEST(Codec, RejectsAMissingField) {
  for (const Message& message : samples()) {
    const std::string text = encode(message);
    const Json json = body(text);
    for (const auto& [name, value] : json.items()) {
      if (is_later(name)) continue;
      Json less = json;
      less.erase(name);
      EXPECT_TRUE(is_malformed(topic_word(text) + ' ' + less.dump())) << "without " << name;
    }
  }
}

TEST(Codec, DecodesATreeWithoutRefresh) {
  Json json = body(encode(TreeState{.revision = 3}));
  json.erase("refresh");
  const Decoded decoded = decode("tree " + json.dump());
  EXPECT_TRUE(std::get<Message>(decoded) == Message(TreeState{.revision = 3}));
}

// Snapshot files of hpp 0.1 are still on disk, and a helper of that version may still run.
TEST(Codec, DecodesTheOldNamesOfProxydsFields) {
  const char* const old =
      R"(proxy {"asks":{"epoch":9,"number":10},"clients":1,"doubts":{"epoch":9,"number":11},)"
      R"("epoch":5,"forwarded":3,"held":2,"let_go":12,"listening":["[::1]:8000"],"problem":"",)"
      R"("replayed":0,"sequence":7})";
  const Decoded decoded = decode(old);
  ASSERT_TRUE(std::holds_alternative<Message>(decoded)) << std::get<Malformed>(decoded).why;
  EXPECT_TRUE(std::get<Message>(decoded) ==
              Message(ProxyState{.stamp = {.epoch = 5, .sequence = 7},
                                 .listening = {"[::1]:8000"},
                                 .clients = 1,
                                 .held = 2,
                                 .forwarded = 3,
                                 .asks = {.epoch = 9, .number = 10},
                                 .liveness_check = {.epoch = 9, .number = 11},
                                 .released = 12}));
  const Json written = body(encode(std::get<Message>(decoded)));
  EXPECT_TRUE(written.contains("liveness_check") && written.contains("released")) << written;
  EXPECT_FALSE(written.contains("doubts") || written.contains("let_go")) << written;
}

TEST(Codec, DecodesAProxyStateWithoutReleasedGeneration) {
  Json json = body(encode(ProxyState{.clients = 3}));
  json.erase("released");
  const Decoded decoded = decode("proxy " + json.dump());
  EXPECT_TRUE(std::get<Message>(decoded) == Message(ProxyState{.clients = 3}));
}

TEST(Codec, RejectsAnIncompleteRefresh) {
  const Json json = body(encode(TreeState{}));
  for (const auto& [name, value] : json["refresh"].items()) {
    Json less = json;
    less["refresh"].erase(name);
    EXPECT_TRUE(is_malformed("tree " + less.dump())) << "without " << name;
  }
}

TEST(Codec, RejectsAWrongType) {
  const Json wrongs[] = {nullptr, true, -1, 1.5, "text", Json::array({1}), Json::object()};
  for (const Message& message : samples()) {
    const std::string text = encode(message);
    const Json json = body(text);
    for (const auto& [name, value] : json.items()) {
      for (const Json& wrong : wrongs) {
        const bool may_be_null = (name == "exit" || name == "error") && wrong.is_null();
        if (wrong.type() == value.type() || may_be_null) continue;
        // RejectsNumbersThatNoCounterHas and RejectsContradictoryFields test the numbers.
        if (value.is_number() && wrong.is_number()) continue;
        Json other = json;
        other[name] = wrong;
        EXPECT_TRUE(is_malformed(topic_word(text) + ' ' + other.dump()))
            << name << ": " << wrong.dump();
      }
    }
  }
}

TEST(Codec, RejectsNumbersThatNoCounterHas) {
  Json json = body(encode(TreeState{}));
  for (const Json& wrong : {Json(-1), Json(1.5), Json(1e300)}) {
    for (const char* name : {"epoch", "sequence", "revision", "changed_count"}) {
      Json other = json;
      other[name] = wrong;
      EXPECT_TRUE(is_malformed("tree " + other.dump())) << name << ": " << wrong.dump();
    }
  }
}

// Each entry is a path in the JSON of a consistent message, and a value there that contradicts the
// rest.
TEST(Codec, RejectsContradictoryFields) {
  struct Case {
    Message message;
    const char* path;
    Json wrong;
  };

  const Refresh css{.count = 1, .css = {"a.css"}, .css_count = 1};
  const Refresh reload{.count = 1, .reload = {"a.html"}, .reload_count = 1};
  const TreeState changed{.revision = 1, .changed = {"a.py", "b.py"}, .changed_count = 2};
  const std::vector<std::string> many(kChangedPathsMax + 1, "a");
  const BackendState ended{.state = BackendPhase::Error,
                           .exit = BackendExit{.code = 1, .signal = {}, .spawn_error = ""}};
  const Case cases[] = {
      {changed, "/changed_count", 1},
      {changed, "/changed_count", 0},
      {TreeState{.changed_count = 100}, "/changed", many},
      {TreeState{.refresh = css}, "/refresh/css", Json::array()},
      {TreeState{.refresh = css}, "/refresh/css_count", 0},
      {TreeState{.refresh = css}, "/refresh/count", 0},
      {TreeState{.refresh = reload}, "/refresh/reload", Json::array()},
      {TreeState{.refresh = reload}, "/refresh/reload_count", 0},
      {TreeState{}, "/refresh/reload_count", 1},
      {TreeState{}, "/refresh/css_count", 1},
      {TreeState{}, "/refresh/count", 1},
      {TreeState{.refresh = {.count = 1, .css = {"a"}, .css_count = 100}}, "/refresh/css", many},
      {BackendState{}, "/pid", -1},
      {BackendState{}, "/pid", std::int64_t{1} << 31},
      {BackendState{}, "/pid", 1.5},
      {BackendState{}, "/pid", kBig * 2048},
      {BackendState{}, "/cause/changed", many},
      {BackendState{}, "/cause/at_ms", -1},
      {BackendState{}, "/spawned_at_ms", -1},
      {BackendState{}, "/start/cold_ms", -1},
      {BackendState{}, "/ready_at_ms", kTimeMaxMs + 1},
      {BackendState{}, "/killed_at_ms", std::numeric_limits<std::int64_t>::min()},
      {BackendState{}, "/ended_at_ms", std::numeric_limits<std::int64_t>::max()},
      {ended, "/exit/code", 256},
      {ended, "/exit/code", -1},
      {ended, "/exit", Json{{"signal", 0}}},
      {ended, "/exit", Json{{"signal", 65}}},
      {ended, "/exit", Json{{"signal", 4294967305}}},
  };
  for (const Case& one : cases) {
    const std::string text = encode(one.message);
    ASSERT_FALSE(is_malformed(text)) << text;
    Json json = body(text);
    json[Json::json_pointer(one.path)] = one.wrong;
    EXPECT_TRUE(is_malformed(topic_word(text) + ' ' + json.dump()))
        << one.path << ": " << one.wrong;
  }
}

TEST(Codec, ACountMayExceedTheNumberOfNames) {
  for (const Message& message :
       {Message(TreeState{.revision = 1, .changed_count = 3}),  // the files no longer exist
        Message(TreeState{.revision = 1, .changed = {"a"}, .changed_count = 3}),
        Message(TreeState{.refresh = {.count = 9, .css = {"a"}, .css_count = 30}})}) {
    EXPECT_FALSE(is_malformed(encode(message))) << encode(message);
  }
}

TEST(Codec, RejectsAnUnknownPhaseOrTopic) {
  Json json = body(encode(BackendState{}));
  json["state"] = "Sleeping";
  EXPECT_TRUE(is_malformed("backend " + json.dump()));
  EXPECT_TRUE(is_malformed("weather {}"));
  EXPECT_TRUE(is_malformed("tree"));
  EXPECT_TRUE(is_malformed("tree []"));
  EXPECT_TRUE(is_malformed("tree {"));
  EXPECT_TRUE(is_malformed(""));
  EXPECT_TRUE(is_malformed(" "));
  EXPECT_TRUE(is_malformed("trees {}"));
  const std::string state = body(encode(BackendState{})).dump();
  EXPECT_FALSE(is_malformed("backend.a " + state));
  for (const char* word : {"backend.", "backend.A", "backend.a.b", ".a", "backen.a"}) {
    EXPECT_TRUE(is_malformed(std::string(word) + ' ' + state)) << word;
  }
}

TEST(Codec, FieldsWithoutMeaningForASuccessorAreNotInTheFile) {
  for (const Message& message : samples()) {
    EXPECT_EQ(stamp_of(durable(message)), Stamp{});
    EXPECT_EQ(durable(durable(message)), durable(message));
  }
  const auto tree = std::get<TreeState>(durable(samples().front()));
  EXPECT_EQ(tree.revision, 3U);
  EXPECT_EQ(tree.answers, Ticket{});
  EXPECT_FALSE(tree.settling);
  const auto proxy = std::get<ProxyState>(durable(samples().back()));
  EXPECT_EQ(proxy.clients, 1U);
  EXPECT_EQ(proxy.asks, Ticket{});
  EXPECT_EQ(proxy.liveness_check, Ticket{});
  EXPECT_EQ(proxy.released, 0U);
  EXPECT_EQ(proxy.restart, Ticket{});
  EXPECT_EQ(proxy.pause, Ticket{});
  EXPECT_FALSE(proxy.pauses);
  EXPECT_EQ(proxy.crash_generation, 0U);
  EXPECT_EQ(proxy.crash_requests, "");
  EXPECT_EQ(std::get<BackendState>(durable(samples()[2])).answers, Ticket{});
}

TEST(Codec, ClassifiesTheChangesOfAMessage) {
  const TreeState tree{.revision = 1};
  const auto for_tree = [&](const TreeState& next) { return news_of(next, tree); };
  EXPECT_EQ(for_tree({.revision = 2}), News::Durable);
  EXPECT_EQ(for_tree({.revision = 1, .answers = {.epoch = 1, .number = 1}}), News::Ticket);
  EXPECT_EQ(for_tree({.revision = 1, .settling = true}), News::Ticket);
  EXPECT_EQ(for_tree({.revision = 1, .refresh = {.count = 1}}), News::Durable);
  EXPECT_EQ(news_of(ProxyState{.asks = {.epoch = 1, .number = 1}}, ProxyState{}), News::Ticket);
  EXPECT_EQ(news_of(ProxyState{.liveness_check = {.epoch = 1, .number = 1}}, ProxyState{}),
            News::Fleeting);
  EXPECT_EQ(news_of(ProxyState{.released = 1}, ProxyState{}), News::Fleeting);
  EXPECT_EQ(news_of(ProxyState{.pause = {.epoch = 1, .number = 1}}, ProxyState{}), News::Fleeting);
  EXPECT_EQ(news_of(ProxyState{.restart = {.epoch = 1, .number = 1}}, ProxyState{}),
            News::Fleeting);
}

TEST(Ticket, CoversEarlierTicketsOfItsEpoch) {
  const Ticket answer{.epoch = 3, .number = 7};
  EXPECT_TRUE(answer.covers({.epoch = 3, .number = 6}));
  EXPECT_TRUE(answer.covers({.epoch = 3, .number = 7}));
  EXPECT_FALSE(answer.covers({.epoch = 3, .number = 8}));
  EXPECT_FALSE(answer.covers({.epoch = 4, .number = 7}));
  EXPECT_FALSE(answer.covers({.epoch = 2, .number = 1}));
}

// Each growing field has its largest size, and consists of bytes that need six characters in JSON.
std::vector<Message> endless_messages() {
  const std::string text(kMessageSizeMax, '\x01');
  std::vector<std::string> words(50, std::string(kTextMax, '\x01'));
  words.insert(words.end(), 100'000, "");
  const BackendExit exit{.spawn_error = text};
  return {
      TreeState{.clock = text,
                .problem = text,
                .changed = words,
                .changed_count = 1'000'000,
                .refresh = {.css = words, .css_count = 7, .reload = words}},
      BackendState{.command = words,
                   .exit = exit,
                   .error = BackendError{.message = text,
                                         .file = text,
                                         .source = text,
                                         .frames = std::vector<ErrorFrame>(
                                             1000, ErrorFrame{.file = std::string(150, '\x01')})},
                   .output_tail = text,
                   .problem = text,
                   .cause = {.text = text, .changed = words}},
      ProxyState{.listening = words, .url = text, .problem = text, .crash_requests = text}};
}

std::size_t bytes_of(const std::vector<std::string>& words) {
  std::size_t size = 0;
  for (const std::string& word : words) size += word.size() + kWordCost;
  return size;
}

TEST(Codec, LimitsEveryGrowingField) {
  for (const Message& message : endless_messages()) {
    const Message short_one = limited(message);
    EXPECT_LE(encode(short_one).size(), kMessageSizeMax) << to_string(topic_of(message));
    EXPECT_EQ(limited(short_one), short_one);
  }
  const auto tree = std::get<TreeState>(limited(endless_messages()[0]));
  EXPECT_EQ(tree.clock, "") << "a truncated clock is useless";
  EXPECT_EQ(tree.problem.size(), kTextMax);
  EXPECT_EQ(tree.changed.size(), 1U);
  EXPECT_EQ(tree.changed_count, 1'000'000U);
  EXPECT_EQ(tree.refresh.css.size(), 1U) << "the first name exists if the count is not 0";
}

TEST(Codec, DoesNotCutFieldsThatFit) {
  for (const Message& message : samples()) EXPECT_EQ(limited(message), message);
  std::vector<std::string> paths(kChangedPathsMax,
                                 std::string(kListMax / kChangedPathsMax - 4, 'x'));
  const Message tree = TreeState{.problem = std::string(kTextMax, 'x'), .changed = paths};
  EXPECT_EQ(limited(tree), tree);
}

TEST(Codec, CutsTextAtACharacter) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    while (text.size() <= kTextMax) text += "\xf0\x9f\x98\x80";
    const Message message = limited(ProxyState{.problem = text});
    const std::string problem = std::get<ProxyState>(message).problem;
    EXPECT_LE(problem.size(), kTextMax);
    EXPECT_GE(problem.size(), kTextMax - 4);
    const Decoded decoded = decode(encode(message));
    EXPECT_EQ(std::get<ProxyState>(std::get<Message>(decoded)).problem, problem)
        << "the cut text is UTF-8";
    EXPECT_TRUE(problem.ends_with("…"));
  }
}

TEST(Codec, KeepsTheEndOfTheOutput) {
  const std::string output = std::string(kOutputTailMax, 'x') + "the error";
  const Message message = limited(BackendState{.output_tail = output});
  EXPECT_EQ(std::get<BackendState>(message).output_tail, output.substr(9));
}

TEST(Codec, LongCommandsStayDistinct) {
  std::vector<std::string> command{"sh", "-c", "script"};
  EXPECT_EQ(limited_command(command), command);
  command.resize(2000, std::string(1000, 'x'));
  const auto one = limited_command(command);
  EXPECT_EQ(one, limited_command(command));
  EXPECT_EQ(one, limited_command(one)) << "as read from the file";
  EXPECT_LE(bytes_of(one), kListMax);
  EXPECT_EQ(one[2], "script");
  command.back() = "y";
  EXPECT_NE(one, limited_command(command));
  std::vector<std::string> with_long_word{"sh", "-c", std::string(kTextMax + 1, 'x')};
  const auto other = limited_command(with_long_word);
  with_long_word.back().back() = 'y';
  EXPECT_NE(other, limited_command(with_long_word));
}

// supervisord compares its command with the one that it reads from the file.
TEST(Codec, CommandsThatAreNotUtf8StayDistinct) {
  const auto one = limited_command({"./caf\xe9", "x"});
  const Decoded decoded = decode(encode(BackendState{.command = one}));
  ASSERT_TRUE(std::holds_alternative<Message>(decoded));
  EXPECT_EQ(std::get<BackendState>(std::get<Message>(decoded)).command, one);
  EXPECT_EQ(one, limited_command(one)) << "as read from the file";
  EXPECT_NE(one, limited_command({"./caf\xe8", "x"}));
  EXPECT_EQ(limited_command({"./caf\xc3\xa9"}), std::vector<std::string>{"./caf\xc3\xa9"});
}

TEST(Codec, ReplacesBytesThatAreNotUtf8) {
  const BackendState state{.output_tail = "a\xff\xc3(b"};
  const Decoded decoded = decode(encode(state));
  ASSERT_TRUE(std::holds_alternative<Message>(decoded));
  EXPECT_EQ(std::get<BackendState>(std::get<Message>(decoded)).output_tail,
            "a\xef\xbf\xbd\xef\xbf\xbd(b");
}

TEST(Codec, NeverThrowsOnGarbage) {
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  const auto messages = samples();
  int malformed = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = encode(messages[below(messages.size())]);
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, 1 + below(20));
          break;
        case 2:
          text.insert(at, 1 + below(3), "{}[]\",:-0"[below(9)]);
          break;
        case 3:
          text.resize(at);
          break;
      }
      if (text.empty()) text = "x";
    }
    EXPECT_NO_THROW(malformed += is_malformed(text) ? 1 : 0) << text;
  }
  EXPECT_GT(malformed, 10'000);
  EXPECT_TRUE(is_malformed("tree " + std::string(100'000, '[')));
}

}  // namespace
}  // namespace hpp::bus
