#include "common/event/memory.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "common/event/buffer.h"
#include "common/event/loop.h"

namespace hpp {
namespace {

// Larger than the address space, so the allocation always fails.
constexpr std::size_t kTooMuch = std::size_t{1} << 60;

class MemoryDeathTest : public testing::Test {
 protected:
  void SetUp() override {
#ifdef HPP_SANITIZED
    GTEST_SKIP() << "the sanitizer's allocator ends the program itself";
#endif
  }
};

TEST_F(MemoryDeathTest, ABufferThatCannotGrowAbortsWithOneLine) {
  EXPECT_DEATH(
      {
        const Loop loop;
        Buffer buffer;
        buffer.append(std::string_view("x", kTooMuch));
      },
      "^common_event_me.*: error: out of memory [^\n]*\n$");
}

TEST_F(MemoryDeathTest, AFailedNewAbortsWithTheSameLine) {
  EXPECT_DEATH(
      {
        const Loop loop;
        const auto bytes = std::make_unique<char[]>(kTooMuch);
        bytes[0] = 'x';
      },
      "^common_event_me.*: error: out of memory [^\n]*\n$");
}

}  // namespace
}  // namespace hpp
