#include "supervisord/step_runner.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "common/os/pipe.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::supervisord {
namespace {

class StepRunnerTest : public testing::Test {
 protected:
  StepEnded run(const std::string& command) {
    ended_.reset();
    runner_.run(command);
    EXPECT_TRUE(run_until(loop_, [this] { return ended_.has_value(); })) << command;
    return ended_.value_or(StepEnded{});
  }

  TemporaryDirectory directory_;
  Project project_{.directory = directory_.path(),
                   .tag_prefix = directory_.path() + "/",
                   .addresses = {},
                   .no_input = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC))};
  Pipe out_ = make_pipe();
  Loop loop_;
  Destinations destinations_{loop_};
  bool is_gone_ = false;
  TreeKiller killer_{loop_,
                     project_.tag_prefix,
                     [] { return std::vector<pid_t>{}; },
                     BuildDaemons(project_.tag_prefix, {}),
                     {},
                     [this] { is_gone_ = true; },
                     [](const std::vector<pid_t>&) { ADD_FAILURE() << "a kill was refused"; }};
  std::optional<StepEnded> ended_;
  std::string tapped_;
  StepRunner runner_{loop_,
                     killer_,
                     project_,
                     destinations_.at(out_.writer.get()),
                     [this](std::string_view bytes) { tapped_ += bytes; },
                     [this](const StepEnded& event) { ended_ = event; }};
};

TEST_F(StepRunnerTest, ReportsTheStatusAndTheOutput) {
  const StepEnded good = run("echo out; echo err >&2");
  EXPECT_EQ(good.status, ExitStatus{});
  EXPECT_EQ(good.problem, "");
  EXPECT_EQ(good.output_tail, "out\nerr\n") << "both are one stream";
  const StepEnded bad = run("echo oops; exit 3");
  EXPECT_EQ(bad.status.number, 3);
  EXPECT_EQ(bad.output_tail, "oops\n") << "only this step's output";
  EXPECT_EQ(tapped_, "out\nerr\noops\n");
}

TEST_F(StepRunnerTest, RunsInTheProjectFolder) {
  EXPECT_EQ(run("pwd -P").output_tail, directory_.path() + "\n");
}

TEST_F(StepRunnerTest, ReportsWhyAStepCannotBeStarted) {
  ASSERT_EQ(::rmdir(directory_.path().c_str()), 0);
  const StepEnded ended = run("true");
  EXPECT_FALSE(ended.status.is_known);
  EXPECT_NE(ended.problem, "");
}

TEST_F(StepRunnerTest, ReportsTheEndOfAKilledStep) {
  runner_.run("sleep 1000");
  killer_.kill();
  EXPECT_TRUE(run_until(loop_, [this] { return is_gone_; }));
  ASSERT_TRUE(ended_) << "the step must be reaped before the kill is done";
  EXPECT_TRUE(ended_->status.by_signal);
}

}  // namespace
}  // namespace hpp::supervisord
