#include "common/os/run_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/os/backend_tag.h"
#include "common/os/file.h"
#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uid_t kStranger = 12345;

struct Opening {
  std::string objection;             // why the directory cannot be used; empty: it can
  std::vector<std::string> repairs;  // warnings
};

Opening open(const std::string& path) {
  Opening opening;
  try {
    const RunDirectory directory(
        path, [&](const std::string& warning) { opening.repairs.push_back(warning); });
  } catch (const std::exception& error) {
    opening.objection = error.what();
  }
  return opening;
}

std::string objection(const std::string& path) {
  return open(path).objection;
}

mode_t mode_of(const std::string& path) {
  struct stat info {};

  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(RunDirectory, IsInTheRuntimeDirectoryOfTheUser) {
  const TemporaryDirectory runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  EXPECT_EQ(default_run_directory("localhost-8000"), runtime / "hpp/localhost-8000");
}

// A container may have a directory with the same path, and this user may be able to kill its
// processes.
TEST(RunDirectory, HasAnIdThatAnotherDirectoryWithTheSamePathDoesNotHave) {
  const TemporaryDirectory parent;
  const std::string path = parent / "run";
  const std::string id = RunDirectory(path).instance_id();
  EXPECT_EQ(id.size(), 16U);
  EXPECT_EQ(RunDirectory(path).instance_id(), id);
  const std::string tag = backend_tag_prefix(path);
  EXPECT_EQ(tag, std::filesystem::canonical(path).native() + "/" + id + "/");
  const RunDirectory open(path);
  std::filesystem::remove(path + "/instance");
  open.keep_instance_id(id);
  EXPECT_EQ(backend_tag_prefix(path), tag);
  std::ofstream(path + "/instance") << "0123456789abcdef";
  EXPECT_EQ(kept_instance_id(path), "0123456789abcdef");
  open.keep_instance_id(id);
  EXPECT_EQ(backend_tag_prefix(path), tag) << "the id of another hpp-launch is replaced";
  EXPECT_EQ(kept_instance_id(path), id);
  std::filesystem::remove_all(path);
  EXPECT_EQ(kept_instance_id(path), "");
  EXPECT_FALSE(std::filesystem::exists(path)) << "reading the id creates nothing";
  EXPECT_NE(RunDirectory(path).instance_id(), id);
  EXPECT_NE(backend_tag_prefix(path), tag);
  std::ofstream(path + "/instance") << "../../etc";
  EXPECT_EQ(RunDirectory(path).instance_id().size(), 16U) << "an invalid id is replaced";
}

TEST(BackendTag, IsNoPrefixOfAnotherTag) {
  const TemporaryDirectory directory;
  const std::string main = backend_tag_prefix(directory.path());
  const std::string api = backend_tag_prefix(directory.path(), "api");
  const std::string api2 = backend_tag_prefix(directory.path(), "api2");
  EXPECT_EQ(backend_tag_prefix(directory.path(), "main"), main);
  EXPECT_TRUE(api.ends_with(".api/")) << api;
  for (const auto& [one, other] :
       {std::pair(main, api), std::pair(api, main), std::pair(api2, api)}) {
    EXPECT_FALSE(one.starts_with(other)) << one;
  }
}

TEST(RunDirectory, IsInTmpWithoutARuntimeDirectory) {
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

TEST(RunDirectory, IsSearchedInAllPlaces) {
  const TemporaryDirectory runtime;
  const std::string fallback = "/tmp/hpp-" + std::to_string(::getuid());
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  EXPECT_EQ(run_directory_roots(), (std::vector<std::string>{runtime / "hpp", fallback}));
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(run_directory_roots(), std::vector<std::string>{fallback});
}

TEST(RunDirectory, IsInTmpIfOthersMayRenameFilesInTheRuntimeDirectory) {
  const TemporaryDirectory runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  const std::string fallback = "/tmp/hpp-" + std::to_string(::getuid());
  ::chmod(runtime.path().c_str(), 0777);
  EXPECT_EQ(run_directory_roots(), std::vector<std::string>{fallback});
  ::chmod(runtime.path().c_str(), 01777);
  EXPECT_EQ(run_directory_roots(), (std::vector<std::string>{runtime / "hpp", fallback}));
  ::unsetenv("XDG_RUNTIME_DIR");
}

TEST(RunDirectory, IsTrustedIfNoOtherUserCanChangeIt) {
  const TemporaryDirectory directory;
  EXPECT_EQ(objection(directory / "own"), "");
  EXPECT_TRUE(is_trustworthy_directory(directory / "own"));
  std::filesystem::create_symlink(directory / "own", directory / "link");
  EXPECT_FALSE(is_trustworthy_directory(directory / "link"));
  EXPECT_FALSE(is_trustworthy_directory(directory / "none"));
  ::chmod((directory / "own").c_str(), 0755);
  EXPECT_TRUE(is_trustworthy_directory(directory / "own"));
  ::chmod((directory / "own").c_str(), 0770);
  EXPECT_FALSE(is_trustworthy_directory(directory / "own"));
  ::chmod((directory / "own").c_str(), 0700);
  ::chmod(directory.path().c_str(), 0777);
  EXPECT_FALSE(is_trustworthy_directory(directory / "own"));
}

TEST(RunDirectory, IsCreatedForThisUserAlone) {
  const TemporaryDirectory directory;
  const mode_t before = ::umask(0);
  EXPECT_EQ(objection(directory / "hpp/localhost-8000"), "");
  ::umask(before);
  EXPECT_EQ(mode_of(directory / "hpp"), 0700U);
  EXPECT_EQ(mode_of(directory / "hpp/localhost-8000"), 0700U);
  EXPECT_EQ(objection(directory / "hpp/localhost-8000"), "") << "the second time";
}

TEST(RunDirectory, IsMadePrivateIfItBelongsToThisUser) {
  const TemporaryDirectory directory;
  const std::string path = directory / "open";
  for (const mode_t mode : {0755U, 0710U, 0701U, 0777U, 0500U, 0000U}) {
    ::mkdir(path.c_str(), mode);
    ::chmod(path.c_str(), mode);
    const Opening opening = open(path);
    EXPECT_EQ(opening.objection, "");
    EXPECT_THAT(opening.repairs, ElementsAre(HasSubstr("set it to 0700")));
    EXPECT_EQ(mode_of(path), 0700U);
    EXPECT_THAT(open(path).repairs, IsEmpty()) << "once";
  }
}

TEST(RunDirectory, TheParentIsMadePrivateToo) {
  const TemporaryDirectory runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  ::mkdir((runtime / "hpp").c_str(), 0700);
  ::chmod((runtime / "hpp").c_str(), 0777);
  EXPECT_EQ(objection(default_run_directory("x")), "");
  EXPECT_EQ(mode_of(runtime / "hpp"), 0700U);
  ::unsetenv("XDG_RUNTIME_DIR");
}

TEST(RunDirectory, ReplacesALinkInAPrivateDirectory) {
  const TemporaryDirectory directory;
  ::mkdir((directory / "elsewhere").c_str(), 0755);
  std::ofstream(directory / "elsewhere/watchd.json") << "x";
  std::filesystem::create_symlink(directory / "elsewhere", directory / "link");
  const Opening opening = open(directory / "link");
  EXPECT_EQ(opening.objection, "");
  EXPECT_THAT(opening.repairs, ElementsAre(HasSubstr("was a symbolic link")));
  EXPECT_FALSE(std::filesystem::is_symlink(directory / "link"));
  EXPECT_EQ(mode_of(directory / "link"), 0700U);
  EXPECT_EQ(mode_of(directory / "elsewhere"), 0755U) << "unchanged";
  EXPECT_TRUE(std::filesystem::exists(directory / "elsewhere/watchd.json")) << "unchanged";
}

TEST(RunDirectory, IsRejectedIfItIsNoDirectory) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "file") << "x";
  EXPECT_NE(objection(directory / "file").find("not a directory"), std::string::npos);
  ::chmod(directory.path().c_str(), 01777);
  std::filesystem::create_symlink("/", directory / "link");
  EXPECT_NE(objection(directory / "link").find("not a directory"), std::string::npos)
      << "another user may have made the link";
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "link"));
  EXPECT_NE(objection("/nowhere/at/all").find("/nowhere/at"), std::string::npos);
}

TEST(RunDirectory, IsRejectedIfItBelongsToAnotherUser) {
  const TemporaryDirectory directory;
  std::string foreign = "/root";
  if (::getuid() == 0) {
    foreign = directory / "foreign";
    ::mkdir(foreign.c_str(), 0700);
    if (::chown(foreign.c_str(), kStranger, kStranger) != 0) GTEST_SKIP() << "cannot chown";
  } else if (!std::filesystem::exists(foreign)) {
    GTEST_SKIP() << "no directory of another user";
  }
  EXPECT_NE(objection(foreign).find("another user"), std::string::npos) << objection(foreign);
}

// An attacker can create it before the user's first start, with any mode.
TEST(RunDirectory, IsRejectedInADirectoryOfAnotherUser) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can make a directory of another user";
  const TemporaryDirectory tmp;
  ::chmod(tmp.path().c_str(), 01777);
  ::mkdir((tmp / "theirs").c_str(), 0700);
  ::mkdir((tmp / "theirs/x").c_str(), 0700);  // a directory of this user in one of another user
  ::chmod((tmp / "theirs").c_str(), 0777);
  if (::chown((tmp / "theirs").c_str(), kStranger, kStranger) != 0) GTEST_SKIP() << "cannot chown";
  for (const char* name : {"theirs/x", "theirs/y"}) {
    EXPECT_NE(objection(tmp / name).find("theirs belongs to another user"), std::string::npos)
        << objection(tmp / name);
    EXPECT_FALSE(is_trustworthy_directory(tmp / name));
  }
  std::filesystem::create_symlink("/", tmp / "in-the-way");
  ASSERT_EQ(::lchown((tmp / "in-the-way").c_str(), kStranger, kStranger), 0);
  EXPECT_NE(objection(tmp / "in-the-way").find("Choose a place"), std::string::npos)
      << objection(tmp / "in-the-way") << ": this user may not remove it";
  std::filesystem::create_symlink("/", tmp / "link");
  ASSERT_EQ(::lchown((tmp / "link").c_str(), kStranger, kStranger), 0);
  const std::string behind_link = tmp / "link" + tmp.path() + "/x";
  EXPECT_NE(objection(behind_link).find("symbolic link of another user"), std::string::npos)
      << objection(behind_link);
}

TEST(RunDirectory, IsRejectedIfEveryUserMayRenameIt) {
  const TemporaryDirectory tmp;
  ::mkdir((tmp / "open").c_str(), 0700);
  ::chmod((tmp / "open").c_str(), 0777);
  EXPECT_NE(objection(tmp / "open/x").find("every user may rename"), std::string::npos)
      << objection(tmp / "open/x");
  ::chmod((tmp / "open").c_str(), 01777);
  EXPECT_EQ(objection(tmp / "open/x"), "") << "the directory is sticky, like /tmp";
}

TEST(RunDirectory, IsRepairedIfItWasChanged) {
  const TemporaryDirectory tmp;
  std::vector<std::string> repairs;
  RunDirectory directory(tmp / "x",
                         [&](const std::string& warning) { repairs.push_back(warning); });
  EXPECT_TRUE(directory.is_intact());
  const auto mended = [&] {
    EXPECT_FALSE(directory.is_intact());
    directory.mend();
    return directory.is_intact();
  };
  ::chmod(directory.path().c_str(), 0755);
  EXPECT_TRUE(mended());
  EXPECT_THAT(repairs, ElementsAre(HasSubstr("had mode 0755")));
  std::filesystem::remove(directory.path());
  EXPECT_TRUE(mended());
  std::filesystem::rename(directory.path(), tmp / "moved");
  std::filesystem::create_symlink(tmp / "moved", directory.path());
  EXPECT_TRUE(mended());
  EXPECT_FALSE(directory.has("file"));
  std::ofstream(directory.path() + "/file") << "x";
  EXPECT_TRUE(directory.has("file"));
}

TEST(RunDirectory, IsRejectedIfThePathsOfItsSocketsWouldBeTooLong) {
  const TemporaryDirectory directory;
  // unix(7): 108 bytes with the NUL; the longest name in it is `/supervisord.tickets.sock`.
  const std::size_t longest = 107 - 25;
  const std::string fits = directory / std::string(longest - directory.path().size() - 1, 'x');
  EXPECT_EQ(objection(fits), "");
  EXPECT_NE(objection(fits + "x").find("too long"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(fits + "x"));
}

TEST(RunDirectory, TheLockNamesItsHolder) {
  const TemporaryDirectory tmp;
  const RunDirectory directory(tmp.path());
  std::optional<FileLock> first = lock_run_directory(directory, "pid 123, http://localhost:8000");
  try {
    lock_run_directory(directory, "pid 124");
    ADD_FAILURE() << "two processes have the lock";
  } catch (const AlreadyRunning& error) {
    EXPECT_EQ(error.holder, "pid 123, http://localhost:8000");
    EXPECT_THAT(error.what(), testing::StartsWith("already running: pid 123, http://localhost"));
  }
  first.reset();
  const FileLock third = lock_run_directory(directory, "pid 5");
  EXPECT_EQ(read_file(tmp / "lock"), "pid 5") << "nothing of the longer old text remains";
}

TEST(FileLock, EveryProcessCanFindTheHolder) {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  EXPECT_EQ(lock_holder(path), std::nullopt) << "there is no file";
  std::optional<FileLock> lock = FileLock::take(AT_FDCWD, path);
  ASSERT_TRUE(lock.has_value());
  EXPECT_EQ(lock_holder(path), ::getpid());
  EXPECT_EQ(lock_holder(directory.path()), std::nullopt);
  lock.reset();
  EXPECT_EQ(lock_holder(path), std::nullopt) << "the file exists, but no process holds its lock";
}

// The kernel skips lines of /proc/locks if locks before them are released while it is read.
TEST(FileLock, TheHolderIsFoundWhileManyOtherLocksAreTakenAndReleased) {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  const auto lock = FileLock::take(AT_FDCWD, path);
  ASSERT_TRUE(lock.has_value());
  std::atomic<bool> is_over = false;
  const auto lock_and_unlock = [&](int thread) {
    std::vector<UniqueFd> files;
    for (int i = 0; i < 200; ++i) {
      const std::string name = std::to_string(thread) + '-' + std::to_string(i);
      files.emplace_back(::open((directory / name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    }
    while (!is_over) {
      for (const UniqueFd& file : files) ::flock(file.get(), LOCK_EX | LOCK_NB);
      for (const UniqueFd& file : files) ::flock(file.get(), LOCK_UN);
    }
  };
  std::vector<std::thread> others;
  for (int thread = 0; thread < 3; ++thread) others.emplace_back(lock_and_unlock, thread);
  int seen = 0;
  for (int i = 0; i < 300; ++i) seen += lock_holder(path) == ::getpid() ? 1 : 0;
  is_over = true;
  for (std::thread& other : others) other.join();
  EXPECT_EQ(seen, 300);
}

TEST(FileLock, CanBeTakenDuringASearchForItsHolder) {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  ASSERT_TRUE(FileLock::take(AT_FDCWD, path).has_value());
  std::atomic<bool> is_over = false;
  std::thread asker([&] {
    while (!is_over) (void)lock_holder(path);
  });
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(FileLock::take(AT_FDCWD, path, std::chrono::milliseconds(1000)).has_value());
  }
  is_over = true;
  asker.join();
}

// lock_holder() takes such a lock for a moment, which may last long on a busy machine.
TEST(FileLock, TakeWaitsForASharedLockOfAnotherProcess) {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  const UniqueFd other(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(other.get(), LOCK_SH), 0);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(FileLock::take(AT_FDCWD, path).has_value());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, kLockPatienceMin);
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  EXPECT_TRUE(FileLock::take(AT_FDCWD, path).has_value());
}

TEST(FileLock, IsHeldAtDetectsADeletedFile) {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  const auto lock = FileLock::take(AT_FDCWD, path);
  ASSERT_TRUE(lock.has_value());
  EXPECT_TRUE(lock->is_held_at(AT_FDCWD, path));
  std::filesystem::remove(path);
  EXPECT_FALSE(lock->is_held_at(AT_FDCWD, path));
  const auto other = FileLock::take(AT_FDCWD, path);
  EXPECT_TRUE(other.has_value());
  EXPECT_FALSE(lock->is_held_at(AT_FDCWD, path));
}

// Files that another user may have put into a directory while it was open to others.
class PlantedFile : public testing::Test {
 public:
  void plant_link(const std::string& name) const {
    std::filesystem::create_symlink(victim_, directory_ / name);
  }

  void plant_hard_link(const std::string& name) const {
    std::filesystem::create_hard_link(victim_, directory_ / name);
  }

  void plant_fifo(const std::string& name) const {
    ASSERT_EQ(::mkfifo((directory_ / name).c_str(), 0666), 0);
  }

 protected:
  void SetUp() override { std::ofstream(victim_) << "precious"; }

  void TearDown() override { EXPECT_EQ(read_file(victim_), "precious"); }

  TemporaryDirectory directory_;
  std::string victim_ = directory_ / "victim";
};

TEST_F(PlantedFile, IsNotOpened) {
  plant_link("link");
  plant_hard_link("hard");
  plant_fifo("fifo");
  for (const char* name : {"link", "hard", "fifo"}) {
    EXPECT_FALSE(open_own_file(AT_FDCWD, directory_ / name, O_RDWR).is_open()) << name;
    EXPECT_EQ(errno, EPERM) << name;
  }
  EXPECT_FALSE(open_own_file(AT_FDCWD, directory_ / "none", O_RDWR).is_open());
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(PlantedFile, IsNotFollowedWhenAFileIsReplaced) {
  for (const auto plant : {&PlantedFile::plant_link, &PlantedFile::plant_hard_link}) {
    (this->*plant)("a.json.new");
    (this->*plant)("a.json");
    EXPECT_TRUE(replace_file(AT_FDCWD, directory_ / "a.json", "news").is_open());
    EXPECT_EQ(read_file(directory_ / "a.json"), "news");
    EXPECT_EQ(read_file(victim_), "precious");
    std::filesystem::remove(directory_ / "a.json");
  }
}

TEST_F(PlantedFile, IsNotLockedNorWritten) {
  for (const auto plant :
       {&PlantedFile::plant_link, &PlantedFile::plant_hard_link, &PlantedFile::plant_fifo}) {
    (this->*plant)("lock");
    lock_run_directory(RunDirectory(directory_.path()), "pid 5");
    EXPECT_EQ(read_file(directory_ / "lock"), "pid 5");
    std::filesystem::remove(directory_ / "lock");
  }
}

}  // namespace
}  // namespace hpp
