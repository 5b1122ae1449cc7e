#include "watchd/inotify/core/queue.h"

#include <gtest/gtest.h>

namespace hpp::watchd::inotify {
namespace {

TEST(InotifyClock, IsReadAsItIsWritten) {
  const Clock clock{.token = "0123456789abcdef", .position = 42};
  EXPECT_EQ(to_text(clock), "inotify:0123456789abcdef:42");
  EXPECT_EQ(read_clock(to_text(clock)), clock);
  for (const char* text :
       {"", "c:1:2:3:4", "inotify:", "inotify::1", "inotify:a:", "inotify:a:x"}) {
    EXPECT_EQ(read_clock(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace hpp::watchd::inotify
