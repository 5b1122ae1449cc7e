#include "supervisord/core/ready_line.h"

#include <gtest/gtest.h>

#include <string>

#include "common/errors/core/output_lines.h"

namespace hpp::supervisord {
namespace {

using enum bus::OutputStream;

TEST(ReadyLine, IsComplete) {
  ReadyLine line("^ready");
  EXPECT_FALSE(line.take(Stdout, "rea"));
  EXPECT_FALSE(line.take(Stdout, "dy")) << "the line may go on";
  EXPECT_TRUE(line.take(Stdout, "!\r\nmore"));
}

TEST(ReadyLine, MayBeOneOfSeveral) {
  EXPECT_TRUE(ReadyLine("^b$").take(Stderr, "a\nb\nc\n"));
  EXPECT_FALSE(ReadyLine("a.*b").take(Stderr, "a\nb\n"));
  EXPECT_TRUE(ReadyLine("^$").take(Stdout, "\n"));
}

TEST(ReadyLine, BelongsToOneStream) {
  ReadyLine line("ready");
  EXPECT_FALSE(line.take(Stdout, "rea"));
  EXPECT_FALSE(line.take(Stderr, "dy\n"));
  EXPECT_TRUE(line.take(Stdout, "dy\n"));
}

TEST(ReadyLine, IsFoundWithoutItsColours) {
  EXPECT_TRUE(
      ReadyLine("on port 8001$").take(Stdout, "\x1b[32mon \x1b[1mport\x1b[0m 8001\x1b[m \n"));
}

TEST(ReadyLine, IsLookedForInTheFirstBytesOfALongLine) {
  const std::string filler(errors::kOutputLineMax, 'x');
  EXPECT_FALSE(ReadyLine("ready").take(Stdout, filler + "ready\n"));
  EXPECT_TRUE(ReadyLine("ready").take(Stdout, "ready" + filler + "\n"));
}

TEST(ReadyLine, DoesNotBeginInTheOutputOfAnEarlierGeneration) {
  ReadyLine line("^ready");
  EXPECT_FALSE(line.take(Stdout, "not "));
  line.begin();
  EXPECT_TRUE(line.take(Stdout, "ready\n"));
}

}  // namespace
}  // namespace hpp::supervisord
