#include "common/text.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

TEST(Text, PrintableKeepsALineOneLine) {
  EXPECT_EQ(printable("a\nb\x1b[31mc\x7f"), "a?b?[31mc?");
  EXPECT_EQ(printable("ä é.py"), "ä é.py");
}

TEST(Text, CommandLine) {
  EXPECT_EQ(command_line({"python3", "app.py"}), "python3 app.py");
  EXPECT_EQ(command_line({"x"}), "x");
}

}  // namespace
}  // namespace hpp
