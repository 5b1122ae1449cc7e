#include "watchd/repositories.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace hpp::watchd {
namespace {

TEST(Repositories, BelongToTheInnermostFolderWithGit) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / ".git");
  std::filesystem::create_directories(directory / "clone/.git");
  std::filesystem::create_directories(directory / "clone/deep/module/src");
  std::ofstream(directory / "clone/deep/module/.git") << "gitdir: elsewhere\n";
  Repositories repositories(directory.path());
  EXPECT_EQ(repositories.folder_of("a.py"), "");
  EXPECT_EQ(repositories.folder_of("src/a.py"), "");
  EXPECT_EQ(repositories.folder_of("clone"), "") << "the folder itself is in the outer repository";
  EXPECT_EQ(repositories.folder_of("clone/a.py"), "clone");
  EXPECT_EQ(repositories.folder_of("clone/deep/a.py"), "clone");
  EXPECT_EQ(repositories.folder_of("clone/deep/module/src/gone/a.py"), "clone/deep/module");
  EXPECT_EQ(repositories.of_folders({"src", "clone/deep", "clone", "clone/deep/module"}),
            (std::vector<std::string>{"clone", "clone/deep/module"}));
}

}  // namespace
}  // namespace hpp::watchd
