#include "proxyd/core/pages/output_lines.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;

std::string record(const std::string& text) {
  return bus::write_record(
      {.at_ms = 5, .generation = 2, .stream = bus::OutputStream::Stderr, .text = text});
}

Json after(const OutputLines& lines, std::uint64_t number) {
  return Json::parse(lines.json_after(number));
}

TEST(OutputLines, HaveNumbers) {
  OutputLines lines;
  lines.take(record("a") + record("b"));
  lines.take(record("c"));
  const Json all = after(lines, 0);
  EXPECT_EQ(all["newest"], 3);
  ASSERT_EQ(all["lines"].size(), 3U);
  EXPECT_EQ(all["lines"][0],
            (Json{{"at_ms", 5}, {"generation", 2}, {"stream", "stderr"}, {"html", "a"}}));
  const Json news = after(lines, 2);
  ASSERT_EQ(news["lines"].size(), 1U);
  EXPECT_EQ(news["lines"][0]["html"], "c");
  EXPECT_TRUE(after(lines, 3)["lines"].empty());
  EXPECT_TRUE(after(lines, 99)["lines"].empty());
}

TEST(OutputLines, AreTakenInPieces) {
  OutputLines lines;
  const std::string text = record("whole");
  lines.take(text.substr(0, 10));
  EXPECT_EQ(after(lines, 0)["newest"], 0);
  lines.take(text.substr(10) + "no record\n" + record("next"));
  EXPECT_EQ(after(lines, 0)["newest"], 2);
  EXPECT_EQ(after(lines, 1)["lines"][0]["html"], "next");
}

TEST(OutputLines, AreEscaped) {
  OutputLines lines;
  lines.take(record("<b>\x1b[31mred"));
  EXPECT_EQ(after(lines, 0)["lines"][0]["html"], "&lt;b&gt;<span class=\"f1\">red</span>");
}

TEST(OutputLines, AreLimited) {
  OutputLines lines;
  for (std::size_t i = 0; i < kOutputLinesKept + 7; ++i) lines.take(record(std::to_string(i)));
  const Json all = after(lines, 0);
  EXPECT_EQ(all["newest"], kOutputLinesKept + 7);
  ASSERT_EQ(all["lines"].size(), kOutputLinesKept);
  EXPECT_EQ(all["lines"][0]["html"], "7");
  OutputLines long_ones;
  for (int i = 0; i < 40; ++i) long_ones.take(record(std::string(16'384, 'x')));
  EXPECT_EQ(after(long_ones, 0)["lines"].size(), kOutputBytesKept / 16'384);
}

}  // namespace
}  // namespace hpp::proxyd
