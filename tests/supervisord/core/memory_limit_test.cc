#include "supervisord/core/memory_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kMemInfo =
    "MemTotal:        8000000 kB\nMemFree:          100000 kB\nMemAvailable:     512000 kB\n";

TEST(MemoryLimit, TheMachine) {
  EXPECT_EQ(machine_memory(kMemInfo), 512'000U * 1024);
  EXPECT_EQ(machine_memory("MemTotal: 8000000 kB\nMemFree: 100000 kB\n"), std::nullopt);
  EXPECT_EQ(machine_memory("MemAvailable: unknown\n"), std::nullopt);
  EXPECT_EQ(machine_memory(""), std::nullopt);
}

TEST(MemoryLimit, AGroupWithALimit) {
  EXPECT_EQ(group_memory({.max = "1000\n", .current = "300\n", .stat = ""}), 700U);
  EXPECT_EQ(group_memory({.max = "1000\n", .current = "1200\n", .stat = ""}), 0U)
      << "a limit that was lowered later";
}

TEST(MemoryLimit, PagesThatTheKernelCanDropAreAvailable) {
  const std::string stat = "anon 200\ninactive_anon 40\ninactive_file 100\nactive_file 30\n";
  EXPECT_EQ(group_memory({.max = "1000\n", .current = "300\n", .stat = stat}), 800U);
  EXPECT_EQ(group_memory({.max = "1000\n", .current = "60\n", .stat = stat}), 1000U)
      << "the files are not read at the same moment";
}

TEST(MemoryLimit, AGroupWithoutALimit) {
  EXPECT_EQ(group_memory({.max = "max\n", .current = "300\n", .stat = ""}), std::nullopt);
  EXPECT_EQ(group_memory({}), std::nullopt);
}

TEST(MemoryLimit, TheGroupsOfAProcess) {
  EXPECT_THAT(groups_of("0::/user.slice/app-1.service\n"),
              ElementsAre("/user.slice/app-1.service", "/user.slice", ""));
  EXPECT_THAT(groups_of("0::/\n"), ElementsAre("")) << "in a namespace of control groups";
  EXPECT_THAT(groups_of("12:memory:/a\n1:name=systemd:/a\n0::/b\n"), ElementsAre("/b", ""))
      << "both versions";
  EXPECT_THAT(groups_of("12:memory:/a\n"), IsEmpty());
  EXPECT_THAT(groups_of(""), IsEmpty());
}

}  // namespace
}  // namespace hpp::supervisord
