#include "common/output_queue.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

constexpr std::size_t kLimit = 100;

std::string line(int number) {
  return "line " + std::to_string(number) + "\n";
}

// Reads all of `queue`, in pieces of the given size.
std::string read_all(OutputQueue& queue, std::size_t piece) {
  std::string all;
  while (!queue.is_empty()) {
    const std::string next(queue.next().substr(0, piece));
    all += next;
    queue.pop(next.size());
  }
  return all;
}

TEST(OutputQueue, ReturnsThePushedBytes) {
  OutputQueue queue(kLimit);
  EXPECT_TRUE(queue.is_empty());
  std::string expected;
  std::string got;
  for (int i = 0; i < 1000; ++i) {
    queue.push(line(i));
    expected += line(i);
    const std::string piece(queue.next().substr(0, 11));
    got += piece;
    queue.pop(piece.size());
  }
  EXPECT_EQ(got + read_all(queue, 7), expected);
}

TEST(OutputQueue, DropsTheOldestLinesAndCountsThem) {
  OutputQueue queue(kLimit);
  for (int i = 0; i < 1000; ++i) {
    queue.push(line(i));
    EXPECT_FALSE(queue.is_empty());
  }
  const std::string all = read_all(queue, 1000);
  EXPECT_LE(all.size(), kLimit + 100);
  const std::string note = " lines were dropped here, because the output was not read\n";
  const auto at = all.find(note);
  ASSERT_TRUE(all.starts_with("hpp: ")) << all;
  ASSERT_NE(at, std::string::npos) << all;
  const int dropped = std::stoi(all.substr(5));
  std::string kept;
  for (int i = dropped; i < 1000; ++i) kept += line(i);
  EXPECT_EQ(all.substr(at + note.size()), kept);
  EXPECT_TRUE(queue.is_empty());
}

// A call of next() whose bytes are not written does not split the note.
TEST(OutputQueue, OneNoteCountsAllDroppedLines) {
  OutputQueue queue(kLimit);
  for (int i = 0; i < 1000; ++i) {
    queue.push(line(i));
    EXPECT_FALSE(queue.next().empty());
  }
  const std::string all = read_all(queue, 1000);
  EXPECT_EQ(all.find("dropped"), all.rfind("dropped")) << all;
  const int dropped = std::stoi(all.substr(5));
  EXPECT_NE(all.find("\n" + line(dropped)), std::string::npos) << all;
}

TEST(OutputQueue, EndsAPartlyWrittenLineBeforeTheNote) {
  OutputQueue queue(kLimit);
  queue.push("a line of which a part is written\n");
  queue.pop(6);
  for (int i = 0; i < 20; ++i) queue.push(line(i));
  EXPECT_TRUE(queue.next().starts_with("\nhpp: ")) << queue.next();
}

TEST(OutputQueue, CutsALineThatIsLongerThanTheLimit) {
  OutputQueue queue(kLimit);
  queue.push(std::string(10 * kLimit, 'x') + "end");
  const std::string all = read_all(queue, 1000);
  EXPECT_LE(all.size(), kLimit + 100);
  EXPECT_TRUE(all.starts_with("hpp: 1 lines were dropped")) << all;
  EXPECT_TRUE(all.ends_with("xend"));
}

}  // namespace
}  // namespace hpp
