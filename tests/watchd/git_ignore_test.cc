// Runs the real git.
#include "watchd/git_ignore.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace hpp::watchd {
namespace {

using Files = std::vector<std::string>;

class GitIgnore : public testing::Test {
 protected:
  // Makes git read no configuration but the repository's.
  GitIgnore() {
    ::setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    ::setenv("GIT_CONFIG_SYSTEM", "/dev/null", 1);
    ::setenv("GIT_CEILING_DIRECTORIES", directory_.path().c_str(), 1);
  }

  void write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path(directory_ / file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  void git(const std::string& folder, const std::string& arguments) const {
    const std::string command =
        "git -C '" + directory_ / folder +
        "' -c user.name=a -c user.email=a@b -c protocol.file.allow=always " + arguments +
        " >/dev/null 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }

  void expect_kept(const Files& files, const Files& kept) const {
    const Sifted sifted = without_ignored(directory_ / "p", files);
    EXPECT_EQ(sifted.files, kept);
    EXPECT_EQ(sifted.problem, "");
  }

  TemporaryDirectory directory_;
};

TEST_F(GitIgnore, LeavesOutIgnoredFilesAndKeepsTheOrder) {
  write("p/.gitignore", "*.log\n/build/\n!keep.log\n");
  git("p", "init");
  expect_kept({"z.py", "a.log", "build/a.py", "src/build/b.py", "keep.log", "src/b.log", "a.py"},
              {"z.py", "src/build/b.py", "keep.log", "a.py"});
  expect_kept({"a.log"}, {});
  expect_kept({}, {});
}

TEST_F(GitIgnore, AcceptsNamesWithAnyCharacters) {
  write("p/.gitignore", "*.log\n");
  git("p", "init");
  expect_kept({":a.log", ":(glob)b.log", "with space.log", "line\nbreak.log", "\"quoted\".log"},
              {});
  expect_kept({":a", "-a", "*.py", "line\nbreak", "\xff"},
              {":a", "-a", "*.py", "line\nbreak", "\xff"});
}

TEST_F(GitIgnore, AsksEachRepositoryForItsOwnFiles) {
  write("p/.gitignore", "*.log\nignored/\n");
  git("p", "init");
  write("p/clone/.gitignore", "*.tmp\n");
  git("p/clone", "init");
  write("p/ignored/a.py", "");
  git("p/ignored", "init");
  expect_kept({"a.tmp", "a.log", "clone/a.tmp", "clone/a.log", "ignored/a.py"},
              {"a.tmp", "clone/a.log"});
}

TEST_F(GitIgnore, KeepsTheFilesOfASubmoduleThatIsNotCheckedOut) {
  write("module/a.py", "");
  git("module", "init");
  git("module", "add .");
  git("module", "commit -m x");
  write("p/.gitignore", "*.log\n");
  git("p", "init");
  git("p", "submodule add '" + directory_ / "module" + "' deep/module");
  git("p", "commit -m x");
  git("p", "submodule deinit -f deep/module");
  expect_kept({"a.log", "deep/module/a.py", "deep/module/a.log", "a.py"},
              {"deep/module/a.py", "deep/module/a.log", "a.py"});
}

TEST_F(GitIgnore, KeepsAllFilesAndReportsTheProblemOutsideARepository) {
  write("p/a.py", "");
  const Sifted sifted = without_ignored(directory_ / "p", {"a.py", "a.log"});
  EXPECT_EQ(sifted.files, (Files{"a.py", "a.log"}));
  EXPECT_TRUE(sifted.problem.starts_with("git says: fatal: not a git repository"))
      << sifted.problem;
}

TEST_F(GitIgnore, KeepsAllFilesAndReportsTheProblemWithoutGit) {
  write("p/a.py", "");
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", directory_.path().c_str(), 1);
  const Sifted sifted = without_ignored(directory_ / "p", {"a.py"});
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(sifted.files, Files{"a.py"});
  EXPECT_TRUE(sifted.problem.starts_with("cannot run git: ")) << sifted.problem;
}

}  // namespace
}  // namespace hpp::watchd
