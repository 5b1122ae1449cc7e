#include "watchd/poll/core/pace.h"

#include <gtest/gtest.h>

#include <vector>

namespace hpp::watchd::poll {
namespace {

using std::chrono::milliseconds;

class PaceTest : public testing::Test {
 protected:
  void note(const std::vector<int>& scans) {
    for (const int took : scans) pace_.note(milliseconds{took});
  }

  Pace pace_{milliseconds{500}};
};

TEST_F(PaceTest, QuickScansDoNotLag) {
  note({0, 10, 49, 49, 49, 49, 49});
  EXPECT_EQ(pace_.lag(), milliseconds{0});
  EXPECT_EQ(pace_.pause(), milliseconds{500});
}

TEST_F(PaceTest, AFewSlowScansAreNoReasonToLag) {
  note({50, 60, 999});
  EXPECT_EQ(pace_.lag(), milliseconds{0});
  note({10, 50, 60, 999, 49, 999, 999, 999});
  EXPECT_EQ(pace_.lag(), milliseconds{0});
}

TEST_F(PaceTest, SlowScansInARowLag) {
  note({100, 100, 100, 100});
  EXPECT_EQ(pace_.lag(), milliseconds{1000});
  note({49});
  EXPECT_EQ(pace_.lag(), milliseconds{0});
}

TEST_F(PaceTest, OneVerySlowScanLags) {
  note({1000});
  EXPECT_EQ(pace_.lag(), milliseconds{2000});
  note({50});
  EXPECT_EQ(pace_.lag(), milliseconds{2000});
  note({49});
  EXPECT_EQ(pace_.lag(), milliseconds{0});
}

TEST_F(PaceTest, ThePauseIsAsLongAsASlowScan) {
  note({1700});
  EXPECT_EQ(pace_.pause(), milliseconds{1700});
  EXPECT_EQ(pace_.lag(), milliseconds{4000});
}

TEST_F(PaceTest, WhileScansAreSlowTheLagOnlyGrows) {
  note({100, 100, 100, 700});
  EXPECT_EQ(pace_.lag(), milliseconds{2000});
  note({100, 100});
  EXPECT_EQ(pace_.lag(), milliseconds{2000});
  note({3100});
  EXPECT_EQ(pace_.lag(), milliseconds{7000});
}

}  // namespace
}  // namespace hpp::watchd::poll
