#include "common/os/git_lock_search.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

class LockSearchTest : public testing::Test {
 protected:
  void make_folder(const std::string& name) {
    std::filesystem::create_directories(directory_ / name);
  }

  std::string write(const std::string& name, const std::string& text = "") {
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }

  // The path of the lock that is found for a folder of the test; empty if none is found.
  std::string found(const std::string& name) const {
    const auto lock = find_git_lock(directory_ / name);
    return lock ? lock->path : "";
  }

  TemporaryDirectory directory_;
};

TEST_F(LockSearchTest, FindsTheLockOfARepository) {
  make_folder("r/.git");
  EXPECT_EQ(found("r"), "");
  const std::string lock = write("r/.git/index.lock");
  EXPECT_EQ(found("r"), lock);
  EXPECT_EQ(find_git_lock(directory_ / "r"), find_git_lock(directory_ / "r"));
}

TEST_F(LockSearchTest, FindsTheLockOfARepositoryAbove) {
  make_folder("r/.git");
  make_folder("r/site/src");
  const std::string lock = write("r/.git/index.lock");
  EXPECT_EQ(found("r/site/src"), lock);
}

TEST_F(LockSearchTest, FindsTheLockOfAWorktree) {
  make_folder("r/.git/worktrees/w");
  make_folder("w");
  write("w/.git", "gitdir: " + directory_.path() + "/r/.git/worktrees/w\n");
  write("r/.git/index.lock");
  EXPECT_EQ(found("w"), "") << "this lock belongs to another worktree";
  const std::string lock = write("r/.git/worktrees/w/index.lock");
  EXPECT_EQ(found("w"), lock);
}

TEST_F(LockSearchTest, FindsTheLockOfASubmodule) {
  make_folder("r/.git/modules/m");
  make_folder("r/m");
  write("r/m/.git", "gitdir: ../.git/modules/m\n");
  EXPECT_EQ(found("r/m"), "");
  write("r/.git/modules/m/index.lock");
  EXPECT_EQ(found("r/m"), directory_ / "r/m/../.git/modules/m/index.lock");
}

TEST_F(LockSearchTest, FindsTheLocksOfRepositoriesBelowAFolder) {
  make_folder("r/.git/modules/m");
  make_folder("r/site/m/src");
  make_folder("r/site/clone/.git");
  write("r/site/m/.git", "gitdir: ../../.git/modules/m\n");
  const std::string outer = write("r/.git/index.lock");
  write("r/.git/modules/m/index.lock");
  const std::string clone = write("r/site/clone/.git/index.lock");
  std::vector<std::string> paths;
  for (const auto& lock : find_git_locks(directory_ / "r/site", {"m/src", "src", "clone"})) {
    paths.push_back(lock.path);
  }
  EXPECT_EQ(paths, (std::vector<std::string>{
                       outer, directory_ / "r/site/m/../../.git/modules/m/index.lock", clone}));
}

TEST_F(LockSearchTest, FindsTheLockAboveTheTargetOfASymbolicLink) {
  make_folder("r/.git");
  make_folder("r/services/api/src");
  std::filesystem::create_directory_symlink(directory_ / "r/services/api", directory_ / "api");
  const std::string path = write("r/.git/index.lock");
  const auto locks = find_git_locks(directory_ / "api", {"src"});
  ASSERT_EQ(locks.size(), 1U);
  EXPECT_EQ(locks.front().path, path);
}

TEST_F(LockSearchTest, FindsTheLockAboveAMissingDirectory) {
  make_folder("r/.git");
  const std::string path = write("r/.git/index.lock");
  const auto locks = find_git_locks(directory_ / "r/gone", {});
  ASSERT_EQ(locks.size(), 1U);
  EXPECT_EQ(locks.front().path, path);
}

TEST_F(LockSearchTest, FindsNoLockWithoutARepository) {
  make_folder("r");
  EXPECT_EQ(found("r"), "");
  EXPECT_EQ(found("gone"), "");
  EXPECT_EQ(find_git_lock("/"), std::nullopt);
  EXPECT_EQ(find_git_lock(""), std::nullopt);
  EXPECT_EQ(find_git_lock("relative"), std::nullopt);
}

TEST_F(LockSearchTest, FindsNoLockIfTheGitFilePointsNowhere) {
  make_folder("r");
  for (const char* text : {"", "gitdir: ", "gitdir: /nowhere\n", "gitdir:", "nonsense\n"}) {
    write("r/.git", text);
    EXPECT_EQ(found("r"), "") << text;
  }
}

TEST_F(LockSearchTest, DistinguishesTheNextLockAtTheSamePath) {
  make_folder("r/.git");
  const std::string path = write("r/.git/index.lock");
  const auto first = find_git_lock(directory_ / "r");
  std::filesystem::last_write_time(
      path, std::filesystem::last_write_time(path) + std::chrono::nanoseconds(1));
  const auto second = find_git_lock(directory_ / "r");
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(first->path, second->path);
}

}  // namespace
}  // namespace hpp
