#include "common/os/run_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/os/file.h"
#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

// What prepare_run_directory says against the directory; empty: nothing.
std::string objection(const std::string& path) {
  try {
    prepare_run_directory(path);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

mode_t mode_of(const std::string& path) {
  struct stat info {};

  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(RunDirectory, LiesInTheUsersRuntimeDirectory) {
  const TemporaryDirectory runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  EXPECT_EQ(default_run_directory("localhost-8000"), runtime / "hpp/localhost-8000");
}

TEST(RunDirectory, LiesInTmpWithoutOne) {
  const std::string fallback = "/tmp/hpp-" + std::to_string(::getuid()) + "/x";
  const TemporaryDirectory directory;
  const std::string file = directory / "file";
  std::ofstream(file) << "x";
  for (const std::string& runtime :
       {std::string(), std::string("relative"), std::string("/nowhere/at-all"), file}) {
    ::setenv("XDG_RUNTIME_DIR", runtime.c_str(), 1);
    EXPECT_EQ(default_run_directory("x"), fallback) << runtime;
  }
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(default_run_directory("x"), fallback);
}

TEST(RunDirectory, IsLookedForInAllPlaces) {
  const TemporaryDirectory runtime;
  const std::string fallback = "/tmp/hpp-" + std::to_string(::getuid());
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  EXPECT_EQ(run_directory_roots(), (std::vector<std::string>{runtime / "hpp", fallback}));
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(run_directory_roots(), std::vector<std::string>{fallback});
}

TEST(RunDirectory, IsPrivateAsItWasMade) {
  const TemporaryDirectory directory;
  EXPECT_EQ(objection(directory / "own"), "");
  EXPECT_TRUE(is_private_directory(directory / "own"));
  std::filesystem::create_symlink(directory / "own", directory / "link");
  EXPECT_FALSE(is_private_directory(directory / "link"));
  EXPECT_FALSE(is_private_directory(directory / "none"));
  ::chmod((directory / "own").c_str(), 0750);
  EXPECT_FALSE(is_private_directory(directory / "own"));
}

TEST(RunDirectory, IsMadeForOurselvesAlone) {
  const TemporaryDirectory directory;
  const mode_t before = ::umask(0);
  EXPECT_EQ(objection(directory / "hpp/localhost-8000"), "");
  ::umask(before);
  EXPECT_EQ(mode_of(directory / "hpp"), 0700U);
  EXPECT_EQ(mode_of(directory / "hpp/localhost-8000"), 0700U);
  EXPECT_EQ(objection(directory / "hpp/localhost-8000"), "") << "the second time";
}

TEST(RunDirectory, IsRefusedIfOthersCanEnter) {
  const TemporaryDirectory directory;
  const std::string path = directory / "open";
  for (const mode_t mode : {0755U, 0710U, 0701U, 0777U}) {
    ::mkdir(path.c_str(), mode);
    ::chmod(path.c_str(), mode);
    EXPECT_NE(objection(path).find("chmod 700"), std::string::npos) << objection(path);
  }
}

TEST(RunDirectory, IsRefusedIfItIsNoDirectory) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "file") << "x";
  EXPECT_NE(objection(directory / "file").find("no directory"), std::string::npos);
  std::filesystem::create_symlink(directory.path(), directory / "link");
  EXPECT_NE(objection(directory / "link").find("no directory"), std::string::npos)
      << "somebody else may have put the link there";
  EXPECT_NE(objection("/nowhere/at/all").find("/nowhere/at"), std::string::npos);
}

TEST(RunDirectory, IsRefusedIfItBelongsToSomebodyElse) {
  const TemporaryDirectory directory;
  std::string foreign = "/root";
  if (::getuid() == 0) {
    foreign = directory / "foreign";
    ::mkdir(foreign.c_str(), 0700);
    if (::chown(foreign.c_str(), 12345, 12345) != 0) GTEST_SKIP() << "cannot chown";
  } else if (!std::filesystem::exists(foreign)) {
    GTEST_SKIP() << "no directory of another user";
  }
  EXPECT_NE(objection(foreign).find("another user"), std::string::npos) << objection(foreign);
}

TEST(RunDirectory, IsRefusedIfItsSocketsWouldHaveTooLongAPath) {
  const TemporaryDirectory directory;
  // unix(7): 108 bytes with the NUL; the longest name in it is `/supervisord.tickets.sock`.
  const std::size_t longest = 107 - 25;
  const std::string fits = directory / std::string(longest - directory.path().size() - 1, 'x');
  EXPECT_EQ(objection(fits), "");
  EXPECT_NE(objection(fits + "x").find("too long"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(fits + "x"));
}

TEST(RunDirectory, IsLockedForOneWhoSaysWhoItIs) {
  const TemporaryDirectory directory;
  std::optional<FileLock> first =
      lock_run_directory(directory.path(), "pid 123, http://localhost:8000");
  try {
    lock_run_directory(directory.path(), "pid 124");
    ADD_FAILURE() << "two have the lock";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "already running: pid 123, http://localhost:8000");
  }
  first.reset();
  const FileLock third = lock_run_directory(directory.path(), "pid 5");
  EXPECT_EQ(read_file(directory / "lock"), "pid 5") << "nothing of the longer text before it";
}

TEST(FileLock, HasAHolderWhomAnybodyMaySee) {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  EXPECT_EQ(lock_holder(path), std::nullopt) << "there is no file";
  std::optional<FileLock> lock = FileLock::take(path);
  ASSERT_TRUE(lock.has_value());
  EXPECT_EQ(lock_holder(path), ::getpid());
  EXPECT_EQ(lock_holder(directory.path()), std::nullopt);
  lock.reset();
  EXPECT_EQ(lock_holder(path), std::nullopt) << "the file is left, and nobody holds it";
}

}  // namespace
}  // namespace hpp
