#include "common/text.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

TEST(Text, PrintableKeepsALineOneLine) {
  EXPECT_EQ(printable("a\nb\x1b[31mc\x7f"), "a?b?[31mc?");
  EXPECT_EQ(printable("ä é.py"), "ä é.py");
}

TEST(Text, FilesChanged) {
  EXPECT_EQ(files_changed("src/a.py", 1), "src/a.py changed");
  EXPECT_EQ(files_changed("a\nb", 42), "a?b and 41 more changed");
}

TEST(Text, CommandLine) {
  EXPECT_EQ(command_line({"python3", "app.py"}), "python3 app.py");
  EXPECT_EQ(command_line({"x"}), "x");
}

}  // namespace
}  // namespace hpp
