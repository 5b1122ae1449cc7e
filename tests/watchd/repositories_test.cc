#include "watchd/repositories.h"

#include <gtest/gtest.h>

#include <array>
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

TEST(Repositories, OfFilesOutsideTheFolderHaveTheirRealPath) {
  const TemporaryDirectory directory;
  namespace fs = std::filesystem;
  const std::string top = fs::canonical(directory.path());
  for (const char* folder :
       {"mono/.git", "mono/site/src", "mono/shared/sub", "lib/.git", "lib/a", "none"}) {
    fs::create_directories(directory / folder);
  }
  fs::create_symlink("../../lib/a", directory / "mono/site/link");
  fs::create_symlink("../../none", directory / "mono/site/bare");
  Repositories repositories(directory / "mono/site");
  for (const auto& [path, folder, in_it] : std::vector<std::array<std::string, 3>>{
           {"src/a.py", "", "src/a.py"},
           {"../shared/sub/a.py", top + "/mono", "shared/sub/a.py"},
           {"../shared/gone/a.py", top + "/mono", "shared/gone/a.py"},
           {"link/b/a.py", top + "/lib", "a/b/a.py"},
           {top + "/lib/a.py", top + "/lib", "a.py"}}) {
    EXPECT_EQ(repositories.folder_of(path), folder) << path;
    EXPECT_EQ(repositories.path_in_repository(path), in_it) << path;
  }
  EXPECT_EQ(repositories.of_folders({"src", "link", "bare", "../../none"}),
            (std::vector<std::string>{top + "/lib"}));
}

}  // namespace
}  // namespace hpp::watchd
