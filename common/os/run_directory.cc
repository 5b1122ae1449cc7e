#include "common/os/run_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "common/os/error.h"

namespace hpp {
namespace {

// The guard of a hpp-launch that was killed has the lock for as long as it takes to kill.
constexpr std::chrono::milliseconds kLockPatience{100};

// The longest name that is put into a run directory, with its slash.
constexpr std::string_view kLongestName = "/supervisord.tickets.sock";

bool is_own_directory(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::getuid();
}

// Makes `path` ours alone or says why it is not.
void prepare_one(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    throw_errno("cannot make the run directory " + path);
  }

  struct stat info {};

  if (::lstat(path.c_str(), &info) != 0) throw_errno("cannot use the run directory " + path);
  if (!S_ISDIR(info.st_mode)) {
    throw std::runtime_error(fmt::format("{} is in the way: it is no directory", path));
  }
  if (info.st_uid != ::getuid()) {
    throw std::runtime_error(
        fmt::format("the run directory {} belongs to another user (uid {})", path, info.st_uid));
  }
  if ((info.st_mode & 0077) != 0) {
    throw std::runtime_error(
        fmt::format("others can enter the run directory {}: chmod 700 it, or remove it", path));
  }
}

}  // namespace

std::vector<std::string> run_directory_roots() {
  std::vector<std::string> roots;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] == '/' && is_own_directory(runtime)) {
    roots.push_back(fmt::format("{}/hpp", runtime));
  }
  roots.push_back(fmt::format("/tmp/hpp-{}", ::getuid()));
  return roots;
}

std::string default_run_directory(const std::string& instance) {
  return fmt::format("{}/{}", run_directory_roots().front(), instance);
}

bool is_private_directory(const std::string& path) {
  struct stat info {};

  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::getuid() &&
         (info.st_mode & 0077) == 0;
}

void prepare_run_directory(const std::string& path) {
  constexpr std::size_t kSocketPathMax = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() + kLongestName.size() > kSocketPathMax) {
    throw std::runtime_error(fmt::format(
        "the run directory's path is too long ({} bytes, at most {} fit a socket's address): {}",
        path.size(), kSocketPathMax - kLongestName.size(), path));
  }
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash != 0) {
    const std::string parent = path.substr(0, slash);

    struct stat info {};

    if (::stat(parent.c_str(), &info) != 0) prepare_one(parent);
  }
  prepare_one(path);
}

std::string run_lock_path(const std::string& directory) {
  return directory + "/lock";
}

FileLock lock_run_directory(const std::string& directory, const std::string& who) {
  const std::string path = run_lock_path(directory);
  auto lock = FileLock::take(path, kLockPatience);
  if (!lock) {
    throw std::runtime_error(fmt::format("already running: {}", read_file(path).value_or("")));
  }
  if (::ftruncate(lock->fd(), 0) != 0 || ::pwrite(lock->fd(), who.data(), who.size(), 0) < 0) {
    throw_errno("cannot write " + path);
  }
  return std::move(*lock);
}

}  // namespace hpp
