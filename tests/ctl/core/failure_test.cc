#include "ctl/core/failure.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hpp::ctl {
namespace {

TEST(Failure, HasAReasonForPrograms) {
  EXPECT_EQ(failure_json(ExitStatus::TimedOut, "timed out"),
            "{\"live\":false,\"reason\":\"timed_out\",\"message\":\"timed out\"}\n");
  const auto reason = [](ExitStatus status) {
    return nlohmann::json::parse(failure_json(status, "a \"b\" \xff"))["reason"];
  };
  EXPECT_EQ(reason(ExitStatus::NothingRuns), "not_running");
  EXPECT_EQ(reason(ExitStatus::Usage), "usage");
  EXPECT_EQ(reason(ExitStatus::TryAgain), "try_again");
  EXPECT_EQ(reason(ExitStatus::Failed), "unknown");
}

}  // namespace
}  // namespace hpp::ctl
