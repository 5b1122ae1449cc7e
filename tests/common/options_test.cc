#include "common/options.h"

#include <gtest/gtest.h>

#include <csignal>

#include <algorithm>

namespace hpp {
namespace {

using Words = std::vector<std::string>;

ParsedOptions parse(Program program, const Words& words) {
  std::vector<const char*> argv{program_name(program)};
  for (const auto& word : words) argv.push_back(word.c_str());
  return parse_options(program, static_cast<int>(argv.size()), argv.data());
}

Options must_parse(Program program, const Words& words) {
  const ParsedOptions parsed = parse(program, words);
  EXPECT_TRUE(parsed.options.has_value());
  return parsed.options.value_or(Options{});
}

constexpr Program kPrograms[] = {Program::Launch, Program::Proxyd, Program::Watchd,
                                 Program::Supervisord};

// Everything that can be said to hpp-launch and its helpers, none of it a default.
Options full() {
  return {
      .bind = {"::1", 8000},
      .backend = {"127.0.0.1", 8001},
      .patterns = {"src/**/*.py", "-dash", "with space"},
      .excludes = {"**/test_*"},
      .default_excludes = false,
      .command = {"python3", "-c", "print('x')", "--exec", "", "--debug"},
      .name = "mine",
      .run_directory = "/run/user/1/hpp/mine",
      .assume_running = false,
      .debug = true,
  };
}

TEST(Options, OfHppLaunchAsTheReadmeHasThem) {
  const Options options =
      must_parse(Program::Launch,
                 {"localhost:8000", "8001", "--pattern", "src/**/*", "--exclude", "src/**/test_*",
                  "--exec", "python", "./manage.py", "runserver", "--noreload", "8001"});
  const Options expected{
      .bind = {"localhost", 8000},
      .backend = {"localhost", 8001},
      .patterns = {"src/**/*"},
      .excludes = {"src/**/test_*"},
      .command = {"python", "./manage.py", "runserver", "--noreload", "8001"},
  };
  EXPECT_EQ(options, expected);
}

TEST(Options, TakeSeveralGlobsAtOnceAndOneAfterAnother) {
  const Options options =
      must_parse(Program::Launch, {"-p", "a", "b", "-x", "c", "-p", "./d", "--pattern=e", "-x", "f",
                                   "g", "--debug", "1", "2", "--exec", "x"});
  EXPECT_EQ(options.patterns, (Words{"a", "b", "d", "e"}));
  EXPECT_EQ(options.excludes, (Words{"c", "f", "g"}));
  EXPECT_TRUE(options.debug);
}

TEST(Options, LeaveTheCommandAlone) {
  const Options options =
      must_parse(Program::Launch, {"1", "2", "--exec", "x", "--help", "-p", "[", "--exec", "--"});
  EXPECT_EQ(options.command, (Words{"x", "--help", "-p", "[", "--exec", "--"}));
  EXPECT_TRUE(options.patterns.empty());
}

// What a program does not see stays at its default; all else comes through unchanged.
TEST(Options, PassThroughToEachProgram) {
  for (const Program program : kPrograms) {
    Options expected = full();
    if (program == Program::Launch) expected.run_directory.clear();
    if (program != Program::Launch) expected.name.clear();
    if (program == Program::Watchd) {
      expected.bind = {};
      expected.backend = {};
      expected.command.clear();
    }
    if (program == Program::Proxyd) expected.command.clear();
    if (program == Program::Supervisord) expected.bind = {};
    if (program == Program::Proxyd || program == Program::Supervisord) {
      expected.patterns.clear();
      expected.excludes.clear();
      expected.default_excludes = true;
    }
    EXPECT_EQ(must_parse(program, arguments_for(program, full())), expected)
        << program_name(program);
  }
}

TEST(Options, PassThroughWithTheirDefaults) {
  for (const Program program : kPrograms) {
    Options options{.bind = {"localhost", 1}, .backend = {"localhost", 2}, .command = {"x"}};
    if (program != Program::Launch) options.run_directory = "/x";
    const Options parsed = must_parse(program, arguments_for(program, options));
    EXPECT_EQ(arguments_for(program, parsed), arguments_for(program, options));
    EXPECT_FALSE(parsed.debug);
    EXPECT_TRUE(parsed.default_excludes);
  }
}

TEST(Options, TheProxysLimits) {
  const Options options =
      must_parse(Program::Launch, {"1", "2", "--barrier", "off", "--barrier-timeout", "300",
                                   "--queue-limit", "3", "--queue-timeout", "200", "--exec", "x"});
  EXPECT_FALSE(options.barrier);
  EXPECT_EQ(options.barrier_timeout_ms, 300U);
  EXPECT_EQ(options.queue_limit, 3U);
  EXPECT_EQ(options.queue_timeout_ms, 200U);
  const Options parsed = must_parse(Program::Proxyd, [&] {
    Words words = arguments_for(Program::Proxyd, options);
    words.insert(words.end(), {"--run-dir", "/x"});
    return words;
  }());
  EXPECT_FALSE(parsed.barrier);
  EXPECT_EQ(parsed.queue_timeout_ms, 200U);
  EXPECT_TRUE(must_parse(Program::Launch, {"1", "2", "--exec", "x"}).barrier);
  for (const char* const wrong :
       {"--barrier=maybe", "--barrier-timeout=0", "--barrier-timeout=-1", "--queue-limit=0",
        "--queue-limit=x", "--queue-timeout=1.5", "--queue-timeout=4294967296"}) {
    EXPECT_EQ(parse(Program::Launch, {"1", "2", wrong, "--exec", "x"}).exit_status, 2) << wrong;
  }
}

TEST(Options, HowTheBackendIsStopped) {
  for (const char* const name : {"TERM", "SIGTERM", "term", "SigTerm"}) {
    const Options options = must_parse(
        Program::Launch, {"1", "2", "--stop-signal", name, "--stop-timeout", "50", "--exec", "x"});
    EXPECT_EQ(options.stop_signal, SIGTERM) << name;
    EXPECT_EQ(options.stop_timeout_ms, 50U);
    Words words = arguments_for(Program::Supervisord, options);
    words.insert(words.begin(), {"--run-dir", "/x"});
    const Options passed = must_parse(Program::Supervisord, words);
    EXPECT_EQ(passed.stop_signal, SIGTERM);
    EXPECT_EQ(passed.stop_timeout_ms, 50U);
  }
  EXPECT_EQ(must_parse(Program::Launch, {"1", "2", "--exec", "x"}).stop_signal, SIGKILL);
  for (const char* const wrong : {"--stop-signal=", "--stop-signal=NONE", "--stop-signal=15",
                                  "--stop-signal=SIG", "--stop-timeout=0", "--stop-timeout=-1"}) {
    EXPECT_EQ(parse(Program::Launch, {"1", "2", wrong, "--exec", "x"}).exit_status, 2) << wrong;
  }
}

TEST(Options, LetProxydRunWithoutARunDirectoryOnlyAlone) {
  const Options options = must_parse(Program::Proxyd, {"1", "2", "--assume-running"});
  EXPECT_TRUE(options.assume_running);
  EXPECT_EQ(must_parse(Program::Proxyd, arguments_for(Program::Proxyd, options)), options);
}

TEST(Options, AreRefusedWithOneLineThatSaysWhatWasExpected) {
  struct Case {
    Program program;
    Words words;
    const char* expected;
  };

  using enum Program;
  const Case cases[] = {
      {Launch, {}, "BIND"},
      {Launch, {"8000", "8001"}, "--exec"},
      {Launch, {"8000", "--exec", "x"}, "BACKEND"},
      {Launch, {"8000", "8001", "--exec"}, "--exec needs a command"},
      {Launch, {"8000", "8001", "8002", "--exec", "x"}, "8002"},
      {Launch, {"8000", "8000", "--exec", "x"}, "same address"},
      {Launch, {"host:", "8001", "--exec", "x"}, "'host:'"},
      {Launch, {"8000", "::1:8001", "--exec", "x"}, "brackets"},
      {Launch, {"8000", "8001", "-p", "[", "--exec", "x"}, "'['"},
      {Launch, {"8000", "8001", "-x", "/a", "--exec", "x"}, "'/a'"},
      {Launch, {"8000", "8001", "-p", "--exec", "x"}, "--pattern"},
      {Launch, {"8000", "8001", "--bogus", "--exec", "x"}, "--bogus"},
      {Launch, {"8000", "8001", "--run-dir", "/x", "--exec", "x"}, "--run-dir"},
      {Launch, {"8000", "8001", "--name", "a/b", "--exec", "x"}, "--name"},
      {Launch, {"8000", "8001", "--name", "..", "--exec", "x"}, "--name"},
      {Proxyd, {"8000", "8001"}, "--run-dir"},
      {Proxyd, {"--run-dir", "/x", "8000"}, "BACKEND"},
      {Proxyd, {"8000", "8001", "--run-dir", "/x", "--exec", "x"}, "--exec"},
      {Watchd, {}, "--run-dir"},
      {Watchd, {"--run-dir", "/x", "8000"}, "8000"},
      {Supervisord, {"8001", "--run-dir", "/x"}, "--exec"},
      {Supervisord, {"--run-dir", "/x", "--exec", "x"}, "BACKEND"},
      {Supervisord, {"8001", "-p", "x", "--run-dir", "/x", "--exec", "x"}, "-p"},
  };
  for (const auto& [program, words, expected] : cases) {
    testing::internal::CaptureStderr();
    const ParsedOptions parsed = parse(program, words);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_FALSE(parsed.options.has_value()) << expected;
    EXPECT_EQ(parsed.exit_status, 2) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_TRUE(said.starts_with(program_name(program))) << said;
    EXPECT_NE(said.find(expected), std::string::npos) << "expected " << expected << ": " << said;
    EXPECT_NE(said.find("--help"), std::string::npos) << said;
  }
}

TEST(Options, HelpShowsExamplesAndEveryOption) {
  for (const Program program : kPrograms) {
    testing::internal::CaptureStdout();
    const ParsedOptions parsed = parse(program, {"--help"});
    const std::string said = testing::internal::GetCapturedStdout();
    EXPECT_FALSE(parsed.options.has_value());
    EXPECT_EQ(parsed.exit_status, 0);
    EXPECT_NE(said.find("Example"), std::string::npos) << said;
    for (const std::string& word : arguments_for(program, full())) {
      if (word == "--exec") break;  // the command follows
      if (!word.starts_with("--")) continue;
      const std::string option = word.substr(0, word.find('='));
      EXPECT_NE(said.find(option), std::string::npos) << option << " is missing in: " << said;
    }
  }
}

TEST(Options, VersionIsPrinted) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(parse(Program::Launch, {"--version"}).exit_status, 0);
  EXPECT_TRUE(testing::internal::GetCapturedStdout().starts_with("hpp-launch "));
}

}  // namespace
}  // namespace hpp
