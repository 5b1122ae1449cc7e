#include "common/bus/snapshot_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <variant>

#include "common/bus/codec.h"
#include "common/os/file.h"
#include "tests/common/bus/full_disk.h"
#include "tests/support/temporary_directory.h"

namespace hpp::bus {
namespace {

using Result = SnapshotFile::Result;

bool is_refused(const std::optional<std::string>& text) {
  return std::holds_alternative<Malformed>(decode(text.value_or("")));
}

class SnapshotFileTest : public testing::Test {
 protected:
  std::optional<std::string> content() const { return read_file(path_); }

  TemporaryDirectory tmp_;
  RunDirectory directory_{tmp_.path()};
  std::string path_ = tmp_ / "a.json";
};

TEST_F(SnapshotFileTest, ContainsTheLastWrite) {
  SnapshotFile file(directory_, "a.json");
  EXPECT_EQ(file.path(), path_);
  EXPECT_EQ(file.read(), std::nullopt);
  EXPECT_FALSE(file.is_in_place());
  for (const char* text : {"tree {}", "tree {\"a\": 1}", "tree"}) {
    EXPECT_EQ(file.write(text).result, Result::Replaced);
    EXPECT_EQ(file.read(), text);
    EXPECT_EQ(SnapshotFile(directory_, "a.json").read(), text) << "as another process reads it";
    EXPECT_TRUE(file.is_in_place());
  }
  std::filesystem::remove(path_);
  EXPECT_FALSE(file.is_in_place());
}

TEST_F(SnapshotFileTest, IsOverwrittenIfNoFileCanBeCreated) {
  SnapshotFile file(directory_, "a.json");
  file.write("tree 1");
  const NoNewFile full(path_);
  for (const char* text : {"tree longer than before", "tree", "tree 4"}) {
    EXPECT_EQ(file.write(text).result, Result::Overwritten);
    EXPECT_EQ(content(), text);
  }
  SnapshotFile successor(directory_, "a.json");
  EXPECT_EQ(successor.read(), "tree 4");
  EXPECT_EQ(successor.write("tree 5").result, Result::Overwritten);
  EXPECT_EQ(content(), "tree 5");
}

TEST_F(SnapshotFileTest, IsReplacedAgainWhenThereIsSpace) {
  SnapshotFile file(directory_, "a.json");
  file.write("tree 1");
  {
    const FileSizeLimit full(0);
    EXPECT_EQ(file.write("tree 2").result, Result::Lost);
  }
  EXPECT_EQ(file.write("tree 3").result, Result::Replaced);
  EXPECT_EQ(content(), "tree 3");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(SnapshotFileTest, ContainsNoOldSnapshotIfItCannotBeOverwritten) {
  const std::string before = encode(TreeState{.revision = 1});
  const std::string after = encode(TreeState{.revision = 2, .clock = "c:1"});
  // The overwrite fails at the first byte, after some bytes, and after the length of the old text.
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, before.size()}) {
    SnapshotFile file(directory_, "a.json");
    ASSERT_EQ(file.write(before).result, Result::Replaced);
    const FileSizeLimit full(limit);
    const auto outcome = file.write(after);
    EXPECT_EQ(outcome.result, Result::Lost);
    EXPECT_EQ(outcome.error, EFBIG);
    EXPECT_TRUE(is_refused(file.read())) << *file.read();
    EXPECT_FALSE(std::filesystem::exists(path_ + ".new")) << "it would take space";
  }
}

TEST_F(SnapshotFileTest, IsInvalidIfItsWriterDiesDuringAnOverwrite) {
  const std::string text = encode(TreeState{.revision = 1});
  std::ofstream(path_) << std::string(1, '\0') << text.substr(1);
  EXPECT_TRUE(is_refused(SnapshotFile(directory_, "a.json").read()));
}

TEST_F(SnapshotFileTest, ReplacesTheFileOfAnotherUser) {
  SnapshotFile file(directory_, "a.json");
  file.write("tree 2");
  std::ofstream(tmp_ / "backup") << "tree 1";
  std::filesystem::rename(tmp_ / "backup", path_);
  const NoNewFile full(path_);
  EXPECT_EQ(file.write("tree 3").result, Result::Lost);
  EXPECT_EQ(content(), std::nullopt);
}

TEST_F(SnapshotFileTest, IsNotReadThroughASymbolicLink) {
  std::ofstream(tmp_ / "theirs") << "tree 1";
  std::filesystem::create_symlink(tmp_ / "theirs", path_);
  SnapshotFile file(directory_, "a.json");
  EXPECT_EQ(file.read(), std::nullopt);
  EXPECT_EQ(file.write("tree 2").result, Result::Replaced);
  EXPECT_EQ(read_file(tmp_ / "theirs"), "tree 1");
  EXPECT_EQ(content(), "tree 2");
}

}  // namespace
}  // namespace hpp::bus
