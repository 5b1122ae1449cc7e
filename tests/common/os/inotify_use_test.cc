#include "common/os/inotify_use.h"

#include <gtest/gtest.h>
#include <sys/inotify.h>

#include <filesystem>
#include <string>

#include "common/os/file.h"
#include "common/os/unique_fd.h"
#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

TEST(InotifyUse, ReadsTheLimits) {
  EXPECT_EQ(std::to_string(inotify_limit("max_user_watches")) + '\n',
            read_file("/proc/sys/fs/inotify/max_user_watches"));
  EXPECT_EQ(inotify_limit("no_such_limit"), 0U);
}

TEST(InotifyUse, CountsInstancesAndWatches) {
  // The only bound that other processes of this user cannot change.
  constexpr unsigned kMany = 500;
  const TemporaryDirectory directory;
  const UniqueFd queue(::inotify_init1(IN_CLOEXEC));
  ASSERT_TRUE(queue.is_open());
  for (unsigned number = 0; number < kMany; ++number) {
    const std::string path = directory / std::to_string(number);
    std::filesystem::create_directory(path);
    ASSERT_GE(::inotify_add_watch(queue.get(), path.c_str(), IN_CREATE), 0);
  }
  const InotifyUse after = inotify_use();
  EXPECT_GE(after.instances, 1U);
  EXPECT_GE(after.watches, kMany);
}

}  // namespace
}  // namespace hpp
