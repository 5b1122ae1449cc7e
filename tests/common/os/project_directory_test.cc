#include "common/os/project_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

namespace fs = std::filesystem;

class ProjectDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(real_);
    fs::create_directory_symlink("real", link_);
    fs::current_path(real_);
  }

  void TearDown() override {
    fs::current_path("/");
    ::unsetenv("PWD");
  }

  static std::string with_pwd(const std::string& pwd) {
    ::setenv("PWD", pwd.c_str(), 1);
    return project_directory();
  }

  TemporaryDirectory directory_;
  const std::string real_ = fs::canonical(directory_.path()) / "real";
  const std::string link_ = directory_ / "link";
};

TEST_F(ProjectDirectoryTest, IsThePathOfPwd) {
  EXPECT_EQ(with_pwd(link_), link_);
  EXPECT_EQ(with_pwd(real_), real_);
}

TEST_F(ProjectDirectoryTest, IsTheKernelsPathIfPwdIsWrong) {
  ::unsetenv("PWD");
  EXPECT_EQ(project_directory(), real_);
  for (const std::string& pwd :
       {std::string("/"), std::string(""), std::string("real"), directory_ / "missing",
        directory_ / "./link", directory_ / "real/../link"}) {
    EXPECT_EQ(with_pwd(pwd), real_) << pwd;
  }
}

TEST_F(ProjectDirectoryTest, ARemovedDirectoryIsAnError) {
  fs::remove(real_);
  EXPECT_THROW(with_pwd(link_), std::system_error);
}

TEST_F(ProjectDirectoryTest, AHelperTakesThePathFromHppLaunch) {
  const auto [name, value] = project_directory_variable("/not/there");
  ::setenv(name.c_str(), value.c_str(), 1);
  EXPECT_EQ(take_project_directory(), "/not/there");
  EXPECT_EQ(std::getenv(name.c_str()), nullptr);
  ::unsetenv("PWD");
  EXPECT_EQ(take_project_directory(), real_);
}

TEST_F(ProjectDirectoryTest, ProblemNamesTheReason) {
  EXPECT_EQ(project_directory_problem(link_), "");
  EXPECT_EQ(project_directory_problem("/not/there"),
            "the project folder /not/there does not exist");
}

}  // namespace
}  // namespace hpp
