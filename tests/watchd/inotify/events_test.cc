#include "watchd/inotify/events.h"

#include <gtest/gtest.h>
#include <sys/inotify.h>

#include <string>
#include <vector>

namespace hpp::watchd::inotify {
namespace {

using Is = QueueEvent::Is;

std::string bytes_of(int watch, std::uint32_t mask, const std::string& name) {
  const std::string padded = name.empty() ? "" : name + std::string(16 - name.size(), '\0');
  const inotify_event header{
      .wd = watch, .mask = mask, .cookie = 0, .len = static_cast<std::uint32_t>(padded.size())};
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + padded;
}

TEST(InotifyEvents, AreRead) {
  const std::string bytes =
      bytes_of(1, IN_CREATE, "a") + bytes_of(2, IN_MODIFY, "b") +
      bytes_of(3, IN_CREATE | IN_ISDIR, "c") + bytes_of(3, IN_MOVED_TO | IN_ISDIR, "d") +
      bytes_of(3, IN_DELETE | IN_ISDIR, "e") + bytes_of(3, IN_ATTRIB | IN_ISDIR, "f") +
      bytes_of(3, IN_ATTRIB | IN_ISDIR, "") + bytes_of(4, IN_IGNORED, "") +
      bytes_of(-1, IN_Q_OVERFLOW, "");
  EXPECT_EQ(read_events(bytes), (std::vector<QueueEvent>{{Is::Touched, 1, "a"},
                                                         {Is::Written, 2, "b"},
                                                         {Is::Made, 3, "c"},
                                                         {Is::MovedIn, 3, "d"},
                                                         {Is::Gone, 3, "e"},
                                                         {Is::Permitted, 3, "f"},
                                                         {Is::Ended, 4, ""},
                                                         {Is::Overflowed, -1, ""}}));
}

}  // namespace
}  // namespace hpp::watchd::inotify
