#include "common/os/run_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "common/exit_status.h"
#include "common/os/error.h"

namespace hpp {
namespace {

using OnRepair = RunDirectory::OnRepair;

// If hpp-launch was killed, its guard keeps the lock until it has killed the backend.
constexpr std::chrono::milliseconds kLockPatience{100};

// The longest name that is put into a run directory, with its slash.
constexpr std::string_view kLongestName = "/supervisord.tickets.sock";

// O_PATH opens a directory even if its mode does not let this user read it. hpp repairs the mode.
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_CLOEXEC;

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw CannotStartNow(fmt::format(format, std::forward<Args>(args)...));
}

constexpr const char* kInstance = "instance";

// Returns 64 random bits in hexadecimal.
std::string random_id() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

bool is_instance_id(const std::string& text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Returns the id in a file `instance`; empty if the file cannot be read, or contains no id.
std::string read_instance_id(const UniqueFd& file) {
  const std::string id = file.is_open() ? read_all(file.get()).value_or("") : "";
  return is_instance_id(id) ? id : "";
}

std::string fallback_root() {
  return fmt::format("/tmp/hpp-{}", ::getuid());
}

// Returns the advice for a user who cannot use that directory.
std::string another_place(const std::string& path) {
  if (path.starts_with(fallback_root())) return "Set XDG_RUNTIME_DIR to a directory of your own";
  return "Choose a place in a directory of your own";
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_root_of_run_directories(const std::string& path) {
  const auto roots = run_directory_roots();
  return std::find(roots.begin(), roots.end(), path) != roots.end();
}

// Whether the user `uid` could change everything here anyway: this user, root, or the owner of `/`,
// which may be root under another number (in a user namespace).
bool is_trusted(uid_t uid) {
  struct stat root {};

  return uid == ::getuid() || uid == 0 || (::stat("/", &root) == 0 && uid == root.st_uid);
}

bool others_can_rename_in(const struct stat& directory) {
  return (directory.st_mode & S_IWOTH) != 0 && (directory.st_mode & S_ISVTX) == 0;
}

std::string name_of(int fd) {
  std::error_code error;
  const auto name = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), error);
  return error ? "a directory above it" : name.native();
}

// fchmod(2) refuses a descriptor with O_PATH.
void set_private(int fd, const std::string& path, mode_t was, const OnRepair& on_repair) {
  if (::chmod(fmt::format("/proc/self/fd/{}", fd).c_str(), 0700) != 0) {
    refuse("cannot set the mode of {} to 0700: {}", path, error_text(errno));
  }
  on_repair(
      fmt::format("{} had mode {:04o}: set it to 0700, so that hpp can use it, and no other user",
                  path, was & 07777));
}

// Returns why a directory above the run directory is not safe; empty if it is safe.
std::string objection(const struct stat& info, const std::string& name) {
  if (!is_trusted(info.st_uid)) {
    return fmt::format("{} belongs to another user (uid {})", name, info.st_uid);
  }
  if (others_can_rename_in(info)) {
    return fmt::format(
        "every user may rename the files in {0}, because it has mode {1:04o} without the sticky "
        "bit (chmod +t {0} sets it)",
        name, info.st_mode & 07777);
  }
  return "";
}

// Returns why a symbolic link on the way to the directory is not safe; empty if all are safe.
std::string objection_to_links(const std::string& path) {
  for (auto end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);

    struct stat info {};

    if (::lstat(prefix.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) continue;
    if (is_trusted(info.st_uid)) continue;
    return fmt::format("{} is a symbolic link of another user (uid {})", prefix, info.st_uid);
  }
  return "";
}

// Returns why a directory above `directory`, or a link on the way to it, is not safe; empty if all
// are safe. make_private() checks the directory itself.
std::string objection_to_parents(int directory, const std::string& path) {
  std::string found = objection_to_links(path);

  struct stat below {};

  ::fstat(directory, &below);
  UniqueFd fd(::openat(directory, "..", kDirectory));
  while (found.empty() && fd.is_open()) {
    struct stat info {};

    if (::fstat(fd.get(), &info) != 0) break;
    if (info.st_dev == below.st_dev && info.st_ino == below.st_ino) break;  // `/`
    found = objection(info, name_of(fd.get()));
    below = info;
    fd = UniqueFd(::openat(fd.get(), "..", kDirectory));
  }
  return found;
}

void make(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    const int error = errno;
    refuse("cannot create the run directory {}: {}. {}", path, error_text(error),
           another_place(path));
  }
}

// Replaces a symbolic link at the path by a directory, if only this user can have made the link.
// Does not touch the link's target. Returns whether it has replaced a link.
bool replace_link(const std::string& path, const OnRepair& on_repair) {
  struct stat link {};

  struct stat parent {};

  if (::lstat(path.c_str(), &link) != 0 || !S_ISLNK(link.st_mode)) return false;
  if (link.st_uid != ::getuid() || ::stat(parent_of(path).c_str(), &parent) != 0) return false;
  if (parent.st_uid != ::getuid() || (parent.st_mode & 0077) != 0) return false;
  if (::unlink(path.c_str()) != 0) return false;
  make(path);
  on_repair(fmt::format("{} was a symbolic link: replaced it by a directory", path));
  return true;
}

UniqueFd open_directory(const std::string& path, const OnRepair& on_repair) {
  UniqueFd fd(::open(path.c_str(), kDirectory | O_NOFOLLOW));
  if (!fd.is_open() && errno == ENOTDIR && replace_link(path, on_repair)) {
    fd.reset(::open(path.c_str(), kDirectory | O_NOFOLLOW));
  }
  if (fd.is_open()) return fd;
  if (errno != ENOTDIR) refuse("cannot open the run directory {}: {}", path, error_text(errno));

  struct stat info {};

  const bool is_ours = ::lstat(path.c_str(), &info) != 0 || info.st_uid == ::getuid();
  refuse("{} is in the way of the run directory: it is not a directory. {}", path,
         is_ours ? "Remove it" : another_place(path));
}

// Sets the mode 0700 of the run directory, or of the directory that contains all run directories.
void make_private(int fd, const std::string& path, const OnRepair& on_repair) {
  struct stat info {};

  if (::fstat(fd, &info) != 0) refuse("cannot use {}: {}", path, error_text(errno));
  if (info.st_uid != ::getuid()) {
    refuse(
        "the run directory {} belongs to another user (uid {}), who could read and change it. {}",
        path, info.st_uid, another_place(path));
  }
  if ((info.st_mode & 0777) != 0700) set_private(fd, path, info.st_mode, on_repair);
}

void check_length(const std::string& path) {
  constexpr std::size_t kSocketPathMax = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() + kLongestName.size() <= kSocketPathMax) return;
  throw std::runtime_error(fmt::format(
      "the run directory's path is too long ({} bytes; a socket's address has room for {}): {}. "
      "Choose a shorter --name or --run-dir",
      path.size(), kSocketPathMax - kLongestName.size(), path));
}

// Opens the directory; creates and repairs it if necessary. Throws if it is not safe.
UniqueFd open_run_directory(const std::string& path, const OnRepair& on_repair) {
  const std::string parent = parent_of(path);
  if (is_root_of_run_directories(parent)) {
    make(parent);
    make_private(open_directory(parent, on_repair).get(), parent, on_repair);
  }

  struct stat info {};

  if (::stat(parent.c_str(), &info) != 0) make(parent);
  make(path);
  UniqueFd fd = open_directory(path, on_repair);
  make_private(fd.get(), path, on_repair);
  const std::string problem = objection_to_parents(fd.get(), path);
  if (!problem.empty()) {
    refuse("the run directory {} is not safe: {}. {}", path, problem, another_place(path));
  }
  if (::faccessat(fd.get(), ".", W_OK | X_OK, 0) != 0) {
    const int error = errno;
    refuse("cannot write to the run directory {}: {}. {}", path, error_text(error),
           another_place(path));
  }
  return fd;
}

}  // namespace

RunDirectory::RunDirectory(std::string path, OnRepair on_repair)
    : path_(std::move(path)), on_repair_(std::move(on_repair)) {
  // With a slash at its end, open(2) would follow a symbolic link.
  while (path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
  check_length(path_);
  fd_ = open_run_directory(path_, on_repair_);
}

bool RunDirectory::is_intact() const {
  struct stat info {};

  return ::fstat(fd_.get(), &info) == 0 && info.st_uid == ::getuid() &&
         (info.st_mode & 0777) == 0700 && is_name_of(AT_FDCWD, path_, fd_.get());
}

void RunDirectory::mend() {
  if (!is_intact()) fd_ = open_run_directory(path_, on_repair_);
}

bool RunDirectory::has(const std::string& name) const {
  struct stat info {};

  return ::fstatat(fd_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

std::string RunDirectory::instance_id() const {
  std::string id = read_instance_id(open_own_file(fd_.get(), kInstance, O_RDONLY));
  if (!id.empty()) return id;
  id = random_id();
  write_instance_id(id);
  return id;
}

void RunDirectory::keep_instance_id(const std::string& id) const {
  const std::string kept = read_instance_id(open_own_file(fd_.get(), kInstance, O_RDONLY));
  if (kept != id) write_instance_id(id);
}

void RunDirectory::write_instance_id(const std::string& id) const {
  if (replace_file(fd_.get(), kInstance, id).is_open()) return;
  refuse("cannot write {}/{}: {}", path_, kInstance, error_text(errno));
}

std::optional<FileLock> RunDirectory::lock(const std::string& name,
                                           std::chrono::milliseconds patience) const {
  try {
    return FileLock::take(fd_.get(), name, patience);
  } catch (const std::system_error& error) {
    refuse("cannot lock {}/{}: {}", path_, name, error.code().message());
  }
}

std::vector<std::string> run_directory_roots() {
  std::vector<std::string> roots;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");

  struct stat info {};

  const bool is_usable = runtime != nullptr && runtime[0] == '/' && ::stat(runtime, &info) == 0 &&
                         S_ISDIR(info.st_mode) && info.st_uid == ::getuid() &&
                         !others_can_rename_in(info);
  if (is_usable) roots.push_back(fmt::format("{}/hpp", runtime));
  roots.push_back(fallback_root());
  return roots;
}

std::string default_run_directory(const std::string& instance) {
  return fmt::format("{}/{}", run_directory_roots().front(), instance);
}

bool is_trustworthy_directory(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), kDirectory | O_NOFOLLOW));

  struct stat info {};

  return fd.is_open() && ::fstat(fd.get(), &info) == 0 && info.st_uid == ::getuid() &&
         (info.st_mode & 0022) == 0 && objection_to_parents(fd.get(), path).empty();
}

std::string kept_instance_id(const std::string& directory) {
  return read_instance_id(
      open_own_file(AT_FDCWD, fmt::format("{}/{}", directory, kInstance), O_RDONLY));
}

std::string run_lock_path(const std::string& directory) {
  return fmt::format("{}/{}", directory, kRunLock);
}

AlreadyRunning::AlreadyRunning(const RunDirectory& directory, std::string its_holder)
    : std::runtime_error(fmt::format(
          "already running: {}. Stop it with hpp-ctl --name {} stop, or choose another --name",
          its_holder, std::filesystem::path(directory.path()).filename().native())),
      holder(std::move(its_holder)) {}

FileLock lock_run_directory(const RunDirectory& directory, const std::string& holder) {
  auto lock = directory.lock(kRunLock, kLockPatience);
  const std::string path = run_lock_path(directory.path());
  if (!lock) {
    throw AlreadyRunning(directory, read_file(path).value_or(""));
  }
  if (::ftruncate(lock->fd(), 0) != 0 || write_all(lock->fd(), holder, 0) != 0) {
    throw_errno("cannot write " + path);
  }
  return std::move(*lock);
}

}  // namespace hpp
