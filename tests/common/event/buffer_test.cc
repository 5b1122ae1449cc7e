#include "common/event/buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace hpp {
namespace {

std::string all_of(Buffer& buffer) {
  return std::string(buffer.pull_up(buffer.size()));
}

TEST(Buffer, IsEmptyAtFirst) {
  Buffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_EQ(buffer.front(), "");
  EXPECT_EQ(buffer.pull_up(10), "");
}

TEST(Buffer, ReturnsTheAppendedBytes) {
  Buffer buffer;
  buffer.append("hello ");
  buffer.append("");
  buffer.append("world");
  EXPECT_EQ(buffer.size(), 11U);
  EXPECT_EQ(buffer.pull_up(5), "hello");
  EXPECT_EQ(buffer.pull_up(100), "hello world");
  EXPECT_EQ(buffer.size(), 11U) << "front() removes nothing";
  buffer.drain(6);
  EXPECT_EQ(all_of(buffer), "world");
  buffer.drain(5);
  EXPECT_TRUE(buffer.empty());
}

TEST(Buffer, FrontReturnsTheFirstPieceWithoutCopying) {
  Buffer one;
  Buffer other;
  one.append(std::string(5000, 'a'));
  other.append(std::string(5000, 'b'));
  other.move_to(one, 5000);
  EXPECT_EQ(one.front(), std::string(5000, 'a'));
  EXPECT_EQ(one.pull_up(6000), std::string(5000, 'a') + std::string(1000, 'b'));
}

TEST(Buffer, MovesSomeOrAll) {
  Buffer from;
  Buffer to;
  to.append("<");
  from.append("abcdef");
  from.move_to(to, 0);
  EXPECT_EQ(all_of(to), "<");
  from.move_to(to, 2);
  EXPECT_EQ(all_of(to), "<ab");
  EXPECT_EQ(all_of(from), "cdef");
  from.move_to(to, 4);
  EXPECT_EQ(all_of(to), "<abcdef");
  EXPECT_TRUE(from.empty());
}

TEST(Buffer, MovesLargeContentWithoutCopying) {
  Buffer from;
  Buffer to;
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += std::to_string(i);
  from.append(content);
  std::size_t step = 1;
  while (!from.empty()) {
    from.move_to(to, std::min(step, from.size()));
    step = step * 3 + 1;
  }
  EXPECT_EQ(to.size(), content.size());
  EXPECT_EQ(all_of(to), content);
}

TEST(BufferDeath, CannotDrainMoreThanItsSize) {
  Buffer buffer;
  buffer.append("ab");
  EXPECT_DEATH(buffer.drain(3), "");
}

}  // namespace
}  // namespace hpp
