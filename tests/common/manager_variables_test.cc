#include "common/manager_variables.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

using Names = std::vector<std::string>;

TEST(NamesOfPassed, AreInOrder) {
  EXPECT_EQ(names_of_passed({.pid = "7", .count = "2", .names = "http:livereload"}, 7),
            (Names{"http", "livereload"}));
  EXPECT_EQ(names_of_passed({.pid = "7", .count = "2", .names = {}}, 7),
            (Names{"unknown", "unknown"}));
  EXPECT_EQ(names_of_passed({.pid = "7", .count = "0", .names = ""}, 7), Names{});
}

TEST(NamesOfPassed, AreNoneIfTheVariablesAreForAnotherProcessOrMalformed) {
  for (const ListenVariables& variables :
       {ListenVariables{},
        {.pid = {}, .count = "1", .names = "http"},
        {.pid = "8", .count = "1", .names = "http"},
        {.pid = "7x", .count = "1", .names = "http"},
        {.pid = "7", .count = {}, .names = "http"},
        {.pid = "7", .count = "", .names = "http"},
        {.pid = "7", .count = "-1", .names = "http"},
        {.pid = "7", .count = "99999999999999999999", .names = {}},
        {.pid = "7", .count = "1025", .names = {}},
        {.pid = "7", .count = "2", .names = "http"},
        {.pid = "7", .count = "1", .names = "http:livereload"}}) {
    EXPECT_EQ(names_of_passed(variables, 7), Names{})
        << variables.pid.value_or("unset") << " " << variables.count.value_or("unset") << " "
        << variables.names.value_or("unset");
  }
}

TEST(WatchdogTime, IsForThisProcessOrForEveryProcess) {
  EXPECT_EQ(watchdog_time({.pid = "7", .microseconds = "5000000"}, 7),
            std::chrono::milliseconds{5'000});
  EXPECT_EQ(watchdog_time({.pid = {}, .microseconds = "5000000"}, 7),
            std::chrono::milliseconds{5'000});
  EXPECT_EQ(watchdog_time({.pid = "8", .microseconds = "5000000"}, 7),
            std::chrono::milliseconds{0});
  EXPECT_EQ(watchdog_time({.pid = "7", .microseconds = "soon"}, 7), std::chrono::milliseconds{0});
  EXPECT_EQ(watchdog_time({}, 7), std::chrono::milliseconds{0});
}

}  // namespace
}  // namespace hpp
