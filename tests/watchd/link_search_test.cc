#include "watchd/link_search.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace hpp::watchd {
namespace {

namespace fs = std::filesystem;

class LinkSearchTest : public testing::Test {
 protected:
  LinkSearchTest() {
    fs::create_directories(directory_ / "p/src");
    fs::create_directories(directory_ / "shared/lib");
    std::ofstream(directory_ / "p/app.py") << "x";
    std::ofstream(directory_ / "shared/a.py") << "x";
    fs::create_directory_symlink("p", directory_ / "current");
  }

  // Creates a link in the project folder. Returns the search's result for it.
  std::vector<OutsideLink> found(const std::string& name, const std::string& target) {
    fs::create_symlink(target, fs::path(directory_.path()) / "p" / name);
    return links_outside(directory_ / "p", {name});
  }

  // The expected result for a link to a file or a folder below the test's directory.
  std::vector<OutsideLink> outside(const std::string& name, const std::string& target,
                                   bool is_folder = false) {
    const std::string real = fs::canonical(directory_.path()).native() + '/' + target;
    return {{.name = name, .target = real, .is_folder = is_folder}};
  }

  std::vector<OutsideLink> none_;
  TemporaryDirectory directory_;
};

TEST_F(LinkSearchTest, FollowsRelativeTargets) {
  EXPECT_EQ(found("a.py", "../shared/a.py"), outside("a.py", "shared/a.py"));
  EXPECT_EQ(found("lib", "../shared/lib"), outside("lib", "shared/lib", true));
  EXPECT_EQ(found("src/lib", "../../shared/lib"), outside("src/lib", "shared/lib", true));
  EXPECT_EQ(found("inside.py", "app.py"), none_);
  EXPECT_EQ(found("src/app.py", "../app.py"), none_);
  EXPECT_EQ(found("back.py", "../p/app.py"), none_)
      << "the path leads out of the folder and back in";
  EXPECT_EQ(found("shared", "../shared/lib/.."), outside("shared", "shared", true));
}

TEST_F(LinkSearchTest, FollowsAbsoluteTargets) {
  EXPECT_EQ(found("a.py", directory_ / "shared/a.py"), outside("a.py", "shared/a.py"));
  EXPECT_EQ(found("inside.py", directory_ / "p/app.py"), none_);
  EXPECT_EQ(found("by-link.py", directory_ / "current/app.py"), none_);
}

TEST_F(LinkSearchTest, FollowsChains) {
  EXPECT_EQ(found("lib", "../shared/lib"), outside("lib", "shared/lib", true));
  EXPECT_EQ(found("b", "lib"), outside("b", "shared/lib", true));
  EXPECT_EQ(found("c.py", "lib/../a.py"), outside("c.py", "shared/a.py")) << "a link on the way";
  EXPECT_EQ(found("loop", "loop"), none_);
}

TEST_F(LinkSearchTest, ReportsTargetsThatDoNotExist) {
  EXPECT_EQ(found("gone.py", "../shared/gone.py"), outside("gone.py", "shared/gone.py"));
  EXPECT_EQ(found("gone", "/nowhere/at/all"),
            (std::vector<OutsideLink>{{.name = "gone", .target = "/nowhere/at/all"}}));
  EXPECT_EQ(found(".#app.py", "me@host.123:1700000000"), none_) << "a lock of Emacs";
  EXPECT_EQ(found("chain", "gone.py"), outside("chain", "shared/gone.py"));
}

TEST_F(LinkSearchTest, AllowsLinksInThePathOfTheProjectFolder) {
  fs::create_symlink("../shared/a.py", directory_ / "p/a.py");
  fs::create_symlink(directory_ / "p/app.py", directory_ / "p/inside.py");
  EXPECT_EQ(links_outside(directory_ / "current", {"a.py", "inside.py"}),
            outside("a.py", "shared/a.py"));
}

TEST_F(LinkSearchTest, IgnoresMissingLinksAndFolders) {
  EXPECT_EQ(links_outside(directory_ / "p", {"gone"}), none_);
  EXPECT_EQ(links_outside(directory_ / "gone", {"a"}), none_);
}

}  // namespace
}  // namespace hpp::watchd
