#include "common/text.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

TEST(Text, PrintableKeepsALineOneLine) {
  EXPECT_EQ(printable("a\nb\x1b[31mc\x7f"), "a?b?[31mc?");
  EXPECT_EQ(printable("ä é.py"), "ä é.py");
}

TEST(Text, PrintableReplacesControlSequences) {
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m")
      << "U+009B, CSI";
  EXPECT_EQ(printable("\x9b"
                      "31m\xff"),
            "?31m?")
      << "bytes that are not UTF-8";
  EXPECT_EQ(printable("\xc1\x9b \xe0\x82\x9b"), "?? ???") << "overlong";
  EXPECT_EQ(printable("\xed\xa0\x80 \xf4\x90\x80\x80"), "??? ????") << "no characters of Unicode";
  EXPECT_EQ(printable("caf\xc3"), "caf?") << "cut";
  EXPECT_EQ(printable("a\u202eb\u2066c\u2069d\u2028e"), "a?b?c?d?e");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a?b");
  EXPECT_EQ(printable("\u00a0é€\U0001f680\u05d0"), "\u00a0é€\U0001f680\u05d0");
}

TEST(Text, PrintableLinesKeepsLineEndsAndColours) {
  EXPECT_EQ(printable_lines(""), "");
  EXPECT_EQ(printable_lines("a\tb\r\nc"), "a\tb\nc");
  EXPECT_EQ(printable_lines("\x1b[1;31mred\x1b[0m\n"), "\x1b[1;31mred\x1b[0m\n");
  EXPECT_EQ(printable_lines("\x1b[38:5:9mred\n"), "\x1b[38:5:9mred\n\x1b[0m")
      << "colours end with the text";
  EXPECT_EQ(printable_lines("\x1b[1;31mred\x1b[0m\n", Colours::Remove), "red\n");
  EXPECT_EQ(printable_lines("10 %\r20 %\r30 %\r\nend"), "30 %\nend");
  EXPECT_EQ(printable_lines("a\r\x1b[31mé\ré"), "\x1b[31mé\x1b[0m");
}

TEST(Text, PrintableLinesRemovesOtherSequences) {
  EXPECT_EQ(printable_lines("a\x1b]52;c;cHduZWQ=\x07z"), "az") << "the clipboard";
  EXPECT_EQ(printable_lines("a\x1b]0;title\x1b\\z"), "az");
  EXPECT_EQ(printable_lines("a\x1b[2J\x1b[6n\x1b[?1049h\x1b"
                            "cz"),
            "az");
  EXPECT_EQ(printable_lines("a\x1b[>4;2m\x1b[1 mz"), "az") << "they end in m, as colours do";
  EXPECT_EQ(printable_lines("a\b\x7f\x9bz\xc2\x9b\n\x1b"), "a???z?\n");
}

TEST(Text, PrintableJsonEscapesControlCharacters) {
  const std::string json = "{\n  \"a\\u001b\": \"é \xc2\x9b \x7f \u202e\"\n}\n";
  EXPECT_EQ(printable_json(json), "{\n  \"a\\u001b\": \"é \\u009b \\u007f \\u202e\"\n}\n");
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
