#include "common/os/mount_search.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

TEST(MountSearch, FindsTheTypeOfAFolderThroughALink) {
  ASSERT_EQ(mounts_of_folder("/proc").type, "proc");
  const TemporaryDirectory directory;
  std::filesystem::create_directory_symlink("/proc", directory / "link");
  EXPECT_EQ(mounts_of_folder(directory / "link/self").type, "proc");
}

TEST(MountSearch, AMissingFolderHasTheTypeOfItsParent) {
  const TemporaryDirectory directory;
  EXPECT_EQ(mounts_of_folder(directory / "a/b"), mounts_of_folder(directory.path()));
  EXPECT_EQ(mounts_of_folder("/proc/no such folder").type, "proc");
}

}  // namespace
}  // namespace hpp
