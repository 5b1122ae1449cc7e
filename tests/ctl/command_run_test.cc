#include "ctl/command_run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hpp::ctl {
namespace {

// A CommandRun runs the program that it is in. Here that is this test, and its "commands" are these
// disabled tests.
TEST(DISABLED_Command, Prints) {
  std::fputs("to stdout\n", stdout);
  std::fputs("to stderr\n", stderr);
}

TEST(DISABLED_Command, Fails) {
  std::exit(3);
}

TEST(DISABLED_Command, ReadsStdin) {
  EXPECT_EQ(std::getchar(), EOF);
}

TEST(DISABLED_Command, Hangs) {
  std::puts("hanging");
  std::fflush(stdout);
  for (;;) ::pause();
}

TEST(DISABLED_Command, PrintsTooMuch) {
  const std::string line(1023, 'x');
  for (std::size_t size = 0; size < 2 * CommandRun::kOutputMax; size += 1024)
    std::puts(line.c_str());
  for (;;) ::pause();
}

std::vector<std::string> words(const char* name) {
  return {"--gtest_also_run_disabled_tests",
          std::string("--gtest_filter=DISABLED_Command.") + name};
}

class CommandRunTest : public testing::Test {
 protected:
  CommandOutcome run(const std::vector<std::string>& with_words) {
    start(with_words);
    loop.run();
    return outcome.value_or(CommandOutcome{});
  }

  void start(const std::vector<std::string>& with_words) {
    command = std::make_unique<CommandRun>(loop, with_words, [this](const CommandOutcome& ended) {
      EXPECT_FALSE(outcome.has_value()) << "it ends once";
      outcome = ended;
      loop.stop();
    });
  }

  Loop loop;
  std::optional<CommandOutcome> outcome;
  std::unique_ptr<CommandRun> command;
};

TEST_F(CommandRunTest, CollectsBothOutputs) {
  const CommandOutcome ended = run(words("Prints"));
  EXPECT_EQ(ended.status, 0);
  EXPECT_NE(ended.out.find("to stdout\n"), std::string::npos) << ended.out;
  EXPECT_EQ(ended.err, "to stderr\n");
  EXPECT_EQ(ended.problem, "");
}

TEST_F(CommandRunTest, HasTheExitStatus) {
  EXPECT_EQ(run(words("Fails")).status, 3);
}

TEST_F(CommandRunTest, DoesNotShareStdin) {
  EXPECT_EQ(run(words("ReadsStdin")).status, 0);
}

TEST_F(CommandRunTest, EndsWhenItIsKilled) {
  start(words("Hangs"));
  command->kill();
  loop.run();
  EXPECT_EQ(outcome->status, -1);
  EXPECT_EQ(outcome->problem, "hpp-ctl has ended with signal 9 (Killed)");
}

TEST_F(CommandRunTest, KillsACommandThatPrintsWithoutEnd) {
  const CommandOutcome ended = run(words("PrintsTooMuch"));
  EXPECT_EQ(ended.status, -1);
  EXPECT_EQ(ended.problem, "hpp-ctl was killed, because it has printed more than 4194304 bytes");
  EXPECT_LT(ended.out.size(), CommandRun::kOutputMax + 64 * 1024);
}

TEST_F(CommandRunTest, ReportsAProcessThatCannotBeStarted) {
  const CommandOutcome ended = run({std::string(4 * 1024 * 1024, 'x')});
  EXPECT_EQ(ended.status, -1);
  EXPECT_NE(ended.problem.find("Argument list too long"), std::string::npos) << ended.problem;
}

}  // namespace
}  // namespace hpp::ctl
