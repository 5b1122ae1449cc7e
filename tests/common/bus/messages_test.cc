#include "common/bus/messages.h"

#include <gtest/gtest.h>

namespace hpp::bus {
namespace {

TEST(BackendExitText, SaysHowItEnded) {
  EXPECT_EQ(to_string(BackendExit{.code = 3}), "ended with exit code 3");
  EXPECT_EQ(to_string(BackendExit{.code = 0}), "ended with exit code 0");
  EXPECT_EQ(to_string(BackendExit{.signal = 11}), "was killed by signal 11 (Segmentation fault)");
  EXPECT_EQ(to_string(BackendExit{.spawn_error = "no x"}), "cannot be started: no x");
  EXPECT_EQ(to_string(BackendExit{}), "ended; its exit status is unknown");
}

TEST(BackendErrorText, BeginsWithThePlace) {
  EXPECT_EQ(to_string(BackendError{.message = "no x"}), "no x");
  EXPECT_EQ(to_string(BackendError{.message = "no x", .file = "a.py"}), "a.py: no x");
  EXPECT_EQ(to_string(BackendError{.message = "no x", .file = "a.py", .line = 3}), "a.py:3: no x");
  EXPECT_EQ(to_string(BackendError{.message = "no x", .file = "a.c", .line = 3, .column = 4}),
            "a.c:3:4: no x");
}

TEST(AuthorName, CanBePartOfAFileName) {
  for (const char* name : {"main", "api", "a-b_2", "0"}) EXPECT_TRUE(is_author_name(name)) << name;
  for (const char* name : {"", "API", "a.b", "a/b", "a:b", "a b", "a@b", "é"}) {
    EXPECT_FALSE(is_author_name(name)) << name;
  }
  EXPECT_TRUE(is_author_name(std::string(kAuthorNameMax, 'x')));
  EXPECT_FALSE(is_author_name(std::string(kAuthorNameMax + 1, 'x')));
}

}  // namespace
}  // namespace hpp::bus
