#include "ctl/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace hpp::ctl {
namespace {

using Words = std::vector<std::string>;

ParsedCtlOptions parse(const Words& words) {
  std::vector<const char*> argv{"hpp-ctl"};
  for (const auto& word : words) argv.push_back(word.c_str());
  return parse_ctl_options(static_cast<int>(argv.size()), argv.data());
}

TEST(CtlOptions, ParsesACommandAndItsOptions) {
  const auto wait = parse({"wait", "--timeout", "300", "--name", "x"});
  ASSERT_TRUE(wait.options.has_value());
  EXPECT_EQ(wait.options->command, Command::Wait);
  EXPECT_EQ(wait.options->timeout_ms, 300U);
  EXPECT_EQ(wait.options->name, "x");
  EXPECT_TRUE(parse({"wait", "--json"}).options->json);
  const auto trace = parse({"--name", "y", "trace", "--json", "--tickets"});
  ASSERT_TRUE(trace.options.has_value());
  EXPECT_EQ(trace.options->command, Command::Trace);
  EXPECT_TRUE(trace.options->json);
  EXPECT_TRUE(trace.options->tickets);
  EXPECT_EQ(trace.options->name, "y");
  const auto log = parse({"log", "-f", "--json", "--generation", "7"});
  ASSERT_TRUE(log.options.has_value());
  EXPECT_EQ(log.options->command, Command::Log);
  EXPECT_TRUE(log.options->follow && log.options->json);
  EXPECT_EQ(log.options->generation, 7U);
  EXPECT_EQ(parse({"log", "-n", "20"}).options->lines, 20U);
  EXPECT_EQ(parse({"mcp", "--name", "x"}).options->command, Command::Mcp);
  EXPECT_TRUE(parse({"restart", "--wait", "--json"}).options->json);
  EXPECT_TRUE(parse({"log", "--since-save"}).options->since_save);
  EXPECT_EQ(parse({"restart"}).options->command, Command::Restart);
  EXPECT_EQ(parse({"stop"}).options->command, Command::Stop);
  EXPECT_TRUE(parse({"status", "--json"}).options->json);
  EXPECT_TRUE(parse({"status", "--all"}).options->all);
  const auto restart = parse({"restart", "--wait", "--timeout", "5"});
  ASSERT_TRUE(restart.options.has_value());
  EXPECT_TRUE(restart.options->wait);
  EXPECT_EQ(restart.options->timeout_ms, 5U);
}

TEST(CtlOptions, ParsesEmptyNamesAndDecimalNumbers) {
  const auto stop = parse({"--name=", "stop"});
  ASSERT_TRUE(stop.options.has_value());
  EXPECT_EQ(stop.options->command, Command::Stop);
  EXPECT_EQ(stop.options->name, "");
  EXPECT_EQ(parse({"wait", "--timeout", "010"}).options->timeout_ms, 10U);
  EXPECT_EQ(parse({"stop", "--run-dir", "/tmp/hpp"}).options->run_directory, "/tmp/hpp");
}

TEST(CtlOptions, RejectsErrorsWithOneLine) {
  const Words cases[] = {
      {},
      {"bogus"},
      {"status", "wait"},
      {"status", "--timeout", "1"},
      {"status", "--all", "--name", "x"},
      {"restart", "--timeout", "1"},
      {"restart", "--json"},
      {"wait", "--timeout"},
      {"wait", "--timeout", "-1"},
      {"wait", "--timeout", "1s"},
      {"stop", "--name"},
      {"wait", "--timeout", "0x10"},
      {"wait", "--timeout="},
      {"log", "--generation", "0"},
      {"log", "--lines", "0"},
      {"log", "--generation", "1", "--since-save"},
      {"stop", "--run-dir"},
      {"stop", "--run-dir", ""},
      {"stop", "--run-dir="},
      {"stop", "--run-dir", "/tmp/hpp", "--name", "x"},
  };
  for (const Words& words : cases) {
    testing::internal::CaptureStderr();
    const auto parsed = parse(words);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_FALSE(parsed.options.has_value()) << said;
    EXPECT_EQ(parsed.exit_status, 2) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_TRUE(said.starts_with("hpp-ctl: error: ")) << said;
  }
}

TEST(CtlOptions, HelpShowsCommandsAndExamples) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(parse({"--help"}).exit_status, 0);
  const std::string said = testing::internal::GetCapturedStdout();
  for (const char* const word :
       {"status", "wait", "restart", "stop", "log", "trace", "--name", "Examples"}) {
    EXPECT_NE(said.find(word), std::string::npos) << word << " is missing in: " << said;
  }
  testing::internal::CaptureStdout();
  EXPECT_EQ(parse({"wait", "--help"}).exit_status, 0);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("--timeout"), std::string::npos);
}

}  // namespace
}  // namespace hpp::ctl
