#include "proxyd/core/reload/refresh_tally.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

constexpr bus::RefreshPoint kPoint{.epoch = 9, .count = 4};
constexpr RefreshReport kSwapped{.point = kPoint, .how = RefreshReport::How::Swapped};
constexpr RefreshReport kUnaffected{.point = kPoint, .how = RefreshReport::How::Unaffected};
constexpr RefreshReport kReloaded{.point = kPoint, .how = RefreshReport::How::Reloaded};

RefreshTally::Batch batch(std::size_t pages, std::size_t others = 0) {
  return {.point = kPoint, .why = "a.css changed", .pages = pages, .others = others};
}

TEST(RefreshTally, ReturnsTheLineAtOnceIfNoPageReports) {
  RefreshTally tally;
  EXPECT_EQ(tally.begin(batch(0)), "a.css changed: notified 0 browsers");
  EXPECT_EQ(tally.begin(batch(0, 1)), "a.css changed: notified 1 browser");
  EXPECT_EQ(tally.end(), std::nullopt);
}

TEST(RefreshTally, ReturnsTheLineAfterTheLastReport) {
  RefreshTally tally;
  EXPECT_EQ(tally.begin(batch(3, 2)), std::nullopt);
  EXPECT_EQ(tally.on(kSwapped), std::nullopt);
  EXPECT_EQ(tally.on(kReloaded), std::nullopt);
  EXPECT_EQ(tally.on(kSwapped),
            "a.css changed: swapped in 2 pages, reloaded 1 page, notified 2 other browsers");
  EXPECT_EQ(tally.on(kSwapped), std::nullopt);
  EXPECT_EQ(tally.end(), std::nullopt);
  EXPECT_EQ(tally.begin(batch(1)), std::nullopt) << "counts from 0";
  EXPECT_EQ(tally.on(kReloaded), "a.css changed: reloaded 1 page");
}

TEST(RefreshTally, CountsPagesWithoutStyleSheetsSeparately) {
  RefreshTally tally;
  EXPECT_EQ(tally.begin(batch(1)), std::nullopt);
  EXPECT_EQ(tally.on(kUnaffected), "a.css changed: 1 page without style sheets");
}

TEST(RefreshTally, CountsPagesThatHaveNotReportedInTime) {
  RefreshTally tally;
  EXPECT_EQ(tally.begin(batch(3)), std::nullopt);
  EXPECT_EQ(tally.on(kSwapped), std::nullopt);
  EXPECT_EQ(tally.end(),
            "a.css changed: swapped in 1 page, 2 pages have not reported (hidden tabs update when "
            "they are shown)");
}

TEST(RefreshTally, IgnoresReportsAboutOtherBatches) {
  RefreshTally tally;
  EXPECT_EQ(tally.on(kSwapped), std::nullopt);
  EXPECT_EQ(tally.begin(batch(1)), std::nullopt);
  for (const bus::RefreshPoint other :
       {bus::RefreshPoint{.epoch = 9, .count = 3}, {.epoch = 8, .count = 4}}) {
    EXPECT_EQ(tally.on({.point = other, .how = RefreshReport::How::Swapped}), std::nullopt);
  }
  EXPECT_EQ(tally.on(kSwapped), "a.css changed: swapped in 1 page");
}

}  // namespace
}  // namespace hpp::proxyd
