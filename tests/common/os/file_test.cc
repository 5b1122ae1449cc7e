#include "common/os/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "common/os/pipe.h"
#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

using std::chrono::milliseconds;

class FileTest : public testing::Test {
 protected:
  void write(const std::string& content) const { std::ofstream(path_) << content; }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "file";
};

TEST_F(FileTest, IsReadCompletely) {
  EXPECT_EQ(read_file(path_), std::nullopt);
  EXPECT_EQ(read_file(directory_.path()), std::nullopt);
  const std::string content(100'000, 'x');
  write(content);
  EXPECT_EQ(read_file(path_), content);
  EXPECT_NE(read_file("/proc/self/stat").value_or(""), "") << "its size is 0 by stat(2)";
}

TEST_F(FileTest, ReadAllStartsAtTheDescriptorsOffset) {
  write("0123456789");
  const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ::lseek(fd.get(), 4, SEEK_SET);
  EXPECT_EQ(read_all(fd.get()), "456789");
  EXPECT_EQ(read_all(-1), std::nullopt);
}

TEST_F(FileTest, IsReplacedAtomicallyAndOnlyTheUserCanReadIt) {
  write("old");
  const UniqueFd old(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd fd = replace_file(AT_FDCWD, path_, "new");
  ASSERT_TRUE(fd.is_open());
  EXPECT_EQ(read_file(path_), "new");
  EXPECT_EQ(read_all(old.get()), "old") << "an open descriptor still reads the old file";
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms{0600});
  EXPECT_TRUE(is_name_of(AT_FDCWD, path_, fd.get()));
  EXPECT_FALSE(is_name_of(AT_FDCWD, path_, old.get()));
}

TEST_F(FileTest, StaysUnchangedIfItCannotBeReplaced) {
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(replace_file(AT_FDCWD, path_, "new").is_open());
  EXPECT_EQ(errno, EISDIR);
  EXPECT_TRUE(std::filesystem::is_directory(path_));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(FileTest, IsReplacedDespiteATemporaryFileOfACrash) {
  const std::string other = directory_ / "other";
  std::ofstream(other) << "untouched";
  std::filesystem::create_symlink(other, path_ + ".new");
  EXPECT_TRUE(replace_file(AT_FDCWD, path_, "new").is_open());
  EXPECT_EQ(read_file(path_), "new");
  EXPECT_EQ(read_file(other), "untouched");
}

TEST_F(FileTest, MustBeRegularAndHaveOneNameToBeOpened) {
  const auto is_own = [&] { return open_own_file(AT_FDCWD, path_, O_RDWR).is_open(); };
  EXPECT_FALSE(is_own());
  EXPECT_EQ(errno, ENOENT);
  write("x");
  EXPECT_TRUE(is_own());
  std::filesystem::create_hard_link(path_, directory_ / "second");
  EXPECT_FALSE(is_own());
  EXPECT_EQ(errno, EPERM);
  std::filesystem::remove(path_);
  std::filesystem::create_symlink(directory_ / "second", path_);
  EXPECT_FALSE(is_own());
  EXPECT_EQ(errno, EPERM);
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_FALSE(is_own()) << "open() does not wait for a writer of the FIFO";
  EXPECT_EQ(errno, EPERM);
}

TEST_F(FileTest, OfAnotherUserIsNotOpened) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  write("x");
  ASSERT_EQ(::chown(path_.c_str(), 65534, 65534), 0);
  EXPECT_FALSE(open_own_file(AT_FDCWD, path_, O_RDWR).is_open());
  EXPECT_EQ(errno, EPERM);
}

// A separate process that holds the lock until it is killed.
class Holder {
 public:
  explicit Holder(const std::string& path) {
    Pipe ready = make_pipe();
    pid_ = ::fork();
    if (pid_ == 0) {
      const auto lock = FileLock::take(AT_FDCWD, path);
      [[maybe_unused]] const auto written = ::write(ready.writer.get(), lock ? "y" : "n", 1);
      for (;;) ::pause();
    }
    ready.writer.reset();
    EXPECT_EQ(read_one(ready.reader.get()), 'y');
  }

  ~Holder() { end(); }

  void end() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  pid_t pid() const { return pid_; }

 private:
  static char read_one(int fd) {
    char byte = 0;
    return ::read(fd, &byte, 1) == 1 ? byte : '\0';
  }

  pid_t pid_ = 0;
};

using FileLockTest = FileTest;

TEST_F(FileLockTest, IsHeldUntilTheProcessEnds) {
  Holder holder(path_);
  EXPECT_EQ(lock_holder(path_), holder.pid());
  EXPECT_FALSE(FileLock::take(AT_FDCWD, path_, milliseconds{0}));
  holder.end();
  EXPECT_EQ(lock_holder(path_), std::nullopt);
  EXPECT_TRUE(FileLock::take(AT_FDCWD, path_, milliseconds{0}));
  EXPECT_TRUE(std::filesystem::exists(path_)) << "the file stays";
}

TEST_F(FileLockTest, IsReleasedWithTheObject) {
  auto lock = FileLock::take(AT_FDCWD, path_);
  ASSERT_TRUE(lock);
  EXPECT_EQ(lock_holder(path_), ::getpid());
  lock.reset();
  EXPECT_EQ(lock_holder(path_), std::nullopt);
}

TEST_F(FileLockTest, IsNotHeldIfTheFileWasRemoved) {
  const auto lock = FileLock::take(AT_FDCWD, path_);
  ASSERT_TRUE(lock);
  EXPECT_TRUE(lock->is_held_at(AT_FDCWD, path_));
  std::filesystem::remove(path_);
  EXPECT_FALSE(lock->is_held_at(AT_FDCWD, path_));
  EXPECT_EQ(lock_holder(path_), std::nullopt);
  EXPECT_TRUE(FileLock::take(AT_FDCWD, path_, milliseconds{0}));
}

TEST_F(FileLockTest, ReplacesAForeignFile) {
  const std::string other = directory_ / "other";
  std::ofstream(other) << "untouched";
  std::filesystem::create_symlink(other, path_);
  const auto lock = FileLock::take(AT_FDCWD, path_);
  ASSERT_TRUE(lock);
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(path_)));
  EXPECT_EQ(read_file(other), "untouched");
}

TEST_F(FileLockTest, NeedsItsDirectory) {
  EXPECT_THROW(FileLock::take(AT_FDCWD, directory_ / "none/file"), std::system_error);
}

}  // namespace
}  // namespace hpp
