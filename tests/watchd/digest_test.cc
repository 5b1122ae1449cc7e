#include "watchd/digest.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace hpp::watchd {
namespace {

namespace fs = std::filesystem;

class DigestTest : public testing::Test {
 protected:
  // Returns the digest that the file gets.
  std::optional<std::uint64_t> digest(const std::string& name, bool exists = true) {
    std::vector<ChangedFile> files{{.name = name, .exists = exists}};
    add_digests(directory_.path(), files);
    return files.front().digest;
  }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name) << text;
  }

  TemporaryDirectory directory_;
};

TEST_F(DigestTest, DependsOnTheContent) {
  write("a", "one");
  write("b", "one");
  write("c", "two");
  ASSERT_TRUE(digest("a"));
  EXPECT_EQ(digest("a"), digest("b"));
  EXPECT_NE(digest("a"), digest("c"));
}

TEST_F(DigestTest, OfALinkDependsOnItsTarget) {
  write("one", "one");
  fs::create_symlink("one", directory_ / "a");
  fs::create_symlink("two", directory_ / "b");
  ASSERT_TRUE(digest("a"));
  EXPECT_NE(digest("a"), digest("b"));
  EXPECT_NE(digest("a"), digest("one"));
}

TEST_F(DigestTest, OnlyPlainFilesAndLinksHaveOne) {
  fs::create_directory(directory_ / "folder");
  ASSERT_EQ(::mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  for (const char* name : {"folder", "pipe", "missing"}) EXPECT_FALSE(digest(name)) << name;
}

TEST_F(DigestTest, AFileThatIsGoneIsNotRead) {
  write("a", "one");
  EXPECT_FALSE(digest("a", /*exists=*/false));
}

TEST_F(DigestTest, AFileThatIsTooLongHasNone) {
  write("large", "");
  fs::resize_file(directory_ / "large", kDigestSizeMax);
  EXPECT_TRUE(digest("large"));
  fs::resize_file(directory_ / "large", kDigestSizeMax + 1);
  EXPECT_FALSE(digest("large"));
}

TEST_F(DigestTest, FilesOfAMissingDirectoryHaveNone) {
  std::vector<ChangedFile> files{{.name = "a"}};
  add_digests(directory_ / "missing", files);
  EXPECT_FALSE(files.front().digest);
}

}  // namespace
}  // namespace hpp::watchd
