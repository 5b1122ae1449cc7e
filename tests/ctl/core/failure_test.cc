#include "ctl/core/failure.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hpp::ctl {
namespace {

TEST(Failure, HasAReasonForPrograms) {
  EXPECT_EQ(failure_json(CommandStatus::TimedOut, "timed out"),
            "{\"live\":false,\"reason\":\"timed_out\",\"message\":\"timed out\"}\n");
  const auto reason = [](CommandStatus status) {
    return nlohmann::json::parse(failure_json(status, "a \"b\" \xff"))["reason"];
  };
  EXPECT_EQ(reason(CommandStatus::NothingRuns), "not_running");
  EXPECT_EQ(reason(CommandStatus::Usage), "usage");
  EXPECT_EQ(reason(CommandStatus::TryAgain), "try_again");
  EXPECT_EQ(reason(CommandStatus::Failed), "unknown");
}

}  // namespace
}  // namespace hpp::ctl
