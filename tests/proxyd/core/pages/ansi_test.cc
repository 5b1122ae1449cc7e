#include "proxyd/core/pages/ansi.h"

#include <gtest/gtest.h>

#include <string>

namespace hpp::proxyd {
namespace {

struct Case {
  std::string text;
  std::string html;
};

void expect(const std::initializer_list<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(ansi_to_html(c.text), c.html);
}

TEST(Ansi, PlainTextStaysUnchanged) {
  expect({{"", ""}, {"a", "a"}, {"a\nb\n", "a\nb\n"}, {"\n\n", "\n\n"}, {"\tä → 🎉", "\tä → 🎉"}});
}

TEST(Ansi, HtmlIsEscaped) {
  expect({{"<script>alert('&')</script>", "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;"},
          {"a\"b", "a&quot;b"},
          {"\x1b[31m<b>\x1b[m", "<span class=\"f1\">&lt;b&gt;</span>"},
          {"\x1b[<script>m", "cript&gt;m"},
          {"\x1b]8;;http://x\"><script>\x07link\x1b]8;;\x07", "link"}});
  EXPECT_EQ(html_escaped("<\x1b[1m>"), "&lt;\x1b[1m&gt;");
}

TEST(Ansi, SixteenColours) {
  expect({{"\x1b[31mred\x1b[0m plain", "<span class=\"f1\">red</span> plain"},
          {"\x1b[97;104mx", "<span class=\"f15 k12\">x</span>"},
          {"\x1b[90mx\x1b[39my", "<span class=\"f8\">x</span>y"},
          {"\x1b[41mx\x1b[49my", "<span class=\"k1\">x</span>y"},
          {"\x1b[31ma\x1b[32mb", "<span class=\"f1\">a</span><span class=\"f2\">b</span>"},
          {"\x1b[31ma\nb", "<span class=\"f1\">a\nb</span>"},
          {"\x1b[31m\x1b[0mx", "x"}});
}

TEST(Ansi, MoreColours) {
  expect({{"\x1b[38;5;9mx", "<span class=\"f9\">x</span>"},
          {"\x1b[38;5;16mx", "<span style=\"color:#000000;\">x</span>"},
          {"\x1b[38;5;208mx", "<span style=\"color:#ff8700;\">x</span>"},
          {"\x1b[48;5;255mx", "<span style=\"background:#eeeeee;\">x</span>"},
          {"\x1b[38;2;1;2;255mx", "<span style=\"color:#0102ff;\">x</span>"},
          {"\x1b[38:2:1:2:255mx", "<span style=\"color:#0102ff;\">x</span>"},
          {"\x1b[38:2::1:2:255mx", "<span style=\"color:#0102ff;\">x</span>"},
          {"\x1b[38:5:1;1mx", "<span class=\"b f1\">x</span>"},
          {"\x1b[38;2;0;0;0;1mx", "<span class=\"b\" style=\"color:#000000;\">x</span>"},
          {"\x1b[38;2;999;0;0mx", "<span style=\"color:#ff0000;\">x</span>"},
          {"\x1b[58;5;1;31mx", "<span class=\"f1\">x</span>"},
          {"\x1b[38;5;256mx", "x"},
          {"\x1b[38mx", "x"},
          {"\x1b[38;5mx", "x"},
          {"\x1b[38;2;1mx", "x"},
          {"\x1b[38;7;1mx", "x"}});
}

TEST(Ansi, Looks) {
  expect({{"\x1b[1;2;3;4;9mx", "<span class=\"b d i u s\">x</span>"},
          {"\x1b[1mx\x1b[22my", "<span class=\"b\">x</span>y"},
          {"\x1b[1;4mx\x1b[24my", "<span class=\"b u\">x</span><span class=\"b\">y</span>"},
          {"\x1b[3mx\x1b[23my\x1b[9mz\x1b[29m.",
           "<span class=\"i\">x</span>y<span class=\"s\">z</span>."},
          {"\x1b[4:3mx\x1b[4:0my", "<span class=\"u\">x</span>y"},
          {"\x1b[7mx\x1b[27my", "<span class=\"r\">x</span>y"},
          {"\x1b[7;31mx", "<span class=\"k1\">x</span>"},
          {"\x1b[1mx\x1b[my", "<span class=\"b\">x</span>y"},
          {"\x1b[1;;3mx", "<span class=\"i\">x</span>"}});
}

TEST(Ansi, OtherSequencesAreDropped) {
  expect({{"a\x1b[2Jb\x1b[1;1Hc\x1b[?25ld", "abcd"},
          {"\x1b[>4;1mx", "x"},
          {"\x1b(Bx\x1b=y\x1b"
           "7z",
           "xyz"},
          {"\x1b]0;title\x07x", "x"},
          {"\x1b]8;;http://a\x1b\\x\x1b]8;;\x1b\\", "x"},
          {"\x1bPq#0\x1b\\x", "x"},
          {"a\x07\b\x01\x7f\x0c"
           "b",
           "ab"},
          {std::string("a\0b", 3), "ab"},
          {"a\x1b", "a"},
          {"\x1bä\x1b[ä\x1b[1ä\x1b(ä", "ääää"},
          {"\x1b\x1b[31mx", "<span class=\"f1\">x</span>"},
          {"\x1b]0;title\x1b[31mx", "<span class=\"f1\">x</span>"},
          {"a\x1b[", "a"},
          {"a\x1b[31", "a"},
          {"a\x1b]unfinished\nb", "a\nb"},
          {"a\x1b[\nb", "a\nb"}});
}

TEST(Ansi, OnlyTheLastTextOfAnOverwrittenLineRemains) {
  expect({{"10%\r50%\r100%\n", "100%\n"},
          {"dos\r\nlines\r\n", "dos\nlines\n"},
          {"a\r\r\nb", "a\nb"},
          {"\x1b[31m10%\r20%", "<span class=\"f1\">20%</span>"}});
}

// The output of a program that dies, and a truncated output, can end in the middle of a sequence.
TEST(Ansi, EveryPieceOfTheTextBecomesCompleteHtml) {
  const std::string text = "\x1b[1;38:2::1:2:3m<\x1b]8;;x\x07>\x1b[0m\r\n\x1b[7mz";
  for (std::size_t from = 0; from <= text.size(); ++from) {
    for (std::size_t size = 0; size <= text.size() - from; ++size) {
      const std::string html = ansi_to_html(text.substr(from, size));
      std::size_t opened = 0;
      std::size_t closed = 0;
      for (std::size_t at = 0; (at = html.find("<span", at)) != std::string::npos; ++at) ++opened;
      for (std::size_t at = 0; (at = html.find("</span>", at)) != std::string::npos; ++at) ++closed;
      EXPECT_EQ(opened, closed) << html;
      EXPECT_EQ(html.find('\x1b'), std::string::npos) << html;
    }
  }
}

}  // namespace
}  // namespace hpp::proxyd
