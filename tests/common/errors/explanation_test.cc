#include "common/errors/explanation.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/errors/core/source_excerpt.h"
#include "tests/support/temporary_directory.h"

namespace hpp::errors {
namespace {

namespace fs = std::filesystem;

std::string traceback(const std::string& file, int line = 1) {
  return "Traceback (most recent call last):\n  File \"" + file + "\", line " +
         std::to_string(line) + ", in <module>\nNameError: x\n";
}

class ExplanationTest : public testing::Test {
 protected:
  void save(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }

  // The source lines that are shown for an error in this file, which is named like that.
  std::string source_of(const std::string& named, const std::vector<std::string>& roots = {}) {
    const auto error = explain(traceback(named), project_, roots);
    return error ? error->source : "no error";
  }

  TemporaryDirectory directory_;
  std::string project_ = directory_ / "shop";
};

TEST_F(ExplanationTest, ReadsTheLinesAroundTheError) {
  save("shop/lib/app.py", "a\nb\n");
  const auto error = explain(traceback("lib/app.py", 2), project_, {});
  ASSERT_TRUE(error);
  EXPECT_EQ(to_string(*error), "lib/app.py:2: NameError: x");
  EXPECT_EQ(error->source, "a\nb\n");
  EXPECT_EQ(error->source_line, 1U);
  EXPECT_EQ(source_of(project_ + "/lib/app.py"), "a\nb\n");
  EXPECT_EQ(source_of("lib/missing.py"), "");
  EXPECT_FALSE(explain("Serving\n", project_, {}));
}

TEST_F(ExplanationTest, KnowsTheFolderByEveryPath) {
  save("shop/app.py", "a\n");
  fs::create_symlink("shop", directory_ / "link");
  const auto error = explain(traceback(project_ + "/app.py"), directory_ / "link", {});
  EXPECT_EQ(error->file, "app.py");
  EXPECT_EQ(error->source, "a\n");
}

TEST_F(ExplanationTest, ReadsFilesOfFurtherRoots) {
  save("money/tax.py", "a\n");
  save("shop/app.py", "b\n");
  EXPECT_EQ(source_of("../money/tax.py"), "");
  EXPECT_EQ(source_of("../money/tax.py", {"../money"}), "a\n");
  EXPECT_EQ(source_of(directory_ / "money/tax.py", {directory_ / "money"}), "a\n");
}

// The output may contain text of any visitor, so it may name any file.
TEST_F(ExplanationTest, ReadsNoFileOutsideTheProject) {
  save("shop/app.py", "a\n");
  save("secret.py", "secret\n");
  fs::create_symlink("../secret.py", project_ + "/link.py");
  fs::create_symlink("..", project_ + "/up");
  fs::create_directory(project_ + "/folder.py");
  for (const char* const name : {"../secret.py", "link.py", "up/secret.py", "lib/../../secret.py",
                                 "/etc/passwd", "/proc/self/environ", "folder.py", ".", ""}) {
    EXPECT_TRUE(source_of(name) == "" || source_of(name) == "no error") << name;
  }
  EXPECT_EQ(source_of(directory_ / "secret.py"), "");
}

TEST_F(ExplanationTest, ReadsNoHugeFile) {
  save("shop/big.py", std::string(kSourceFileMax + 1, '\n'));
  EXPECT_EQ(source_of("big.py"), "");
}

TEST_F(ExplanationTest, FindsAPackageInItsSourceFolder) {
  save("shop/src/main/java/com/shop/App.java", "class App\n");
  const auto error = explain(
      "Exception in thread \"main\" java.lang.Error: x\n\tat com.shop.App.main(App.java:1)\n",
      project_, {});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->file, "src/main/java/com/shop/App.java");
  EXPECT_EQ(error->source, "class App\n");
}

}  // namespace
}  // namespace hpp::errors
