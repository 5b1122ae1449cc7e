#include "watchd/poll/walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "common/os/error.h"

namespace hpp::watchd::poll {
namespace {

// Without this flag, a network file system may answer from its cache (statx(2)).
constexpr int kAskServer = AT_STATX_FORCE_SYNC;

std::int64_t ns_of(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

Mark mark_of(const struct statx& status) {
  return {.size = status.stx_size,
          .inode = status.stx_ino,
          .modified_ns = ns_of(status.stx_mtime),
          .changed_ns = ns_of(status.stx_ctime),
          .mode = status.stx_mode};
}

// Whether the error means that there is no such file or directory for this user.
bool is_absence(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EACCES;
}

}  // namespace

void Walk::begin() {
  lister_.begin();
  folders_.clear();
  problem_.clear();
  DIR* const top = ::opendir(directory_.c_str());
  if (top == nullptr) return fail(directory_, errno);
  folders_.push_back({.handle = std::unique_ptr<DIR, CloseDirectory>(top), .path = {}});
  read_entries(folders_.back());
}

Walk::Outcome Walk::go_on(std::chrono::steady_clock::time_point deadline) {
  constexpr int kEntriesPerLook = 32;  // at the clock
  for (int i = 1; problem_.empty() && !folders_.empty(); ++i) {
    Folder& folder = folders_.back();
    if (folder.next == folder.entries.size()) {
      folders_.pop_back();
      continue;
    }
    visit(folder.entries[folder.next++]);
    if (i % kEntriesPerLook == 0 && std::chrono::steady_clock::now() >= deadline) break;
  }
  if (!problem_.empty()) return Outcome::Failed;
  return folders_.empty() ? Outcome::Ended : Outcome::Unfinished;
}

void Walk::enter(int parent, const std::string& name, std::string path) {
  const int fd =
      ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    if (!is_absence(errno)) fail(path, errno);
    return;
  }
  DIR* const handle = ::fdopendir(fd);
  if (handle == nullptr) {
    const int error = errno;
    ::close(fd);
    return fail(path, error);
  }
  folders_.push_back(
      {.handle = std::unique_ptr<DIR, CloseDirectory>(handle), .path = std::move(path) + '/'});
  read_entries(folders_.back());
}

// The names are sorted, because Lister requires it.
void Walk::read_entries(Folder& folder) {
  struct statx status {};

  ::statx(::dirfd(folder.handle.get()), "", AT_EMPTY_PATH | kAskServer, STATX_MTIME, &status);
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(folder.handle.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      folder.entries.push_back({.name = std::string(name), .type = entry->d_type});
    }
  }
  if (errno != 0 && !is_absence(errno)) fail(folder.path, errno);
  std::sort(folder.entries.begin(), folder.entries.end(),
            [](const Entry& one, const Entry& other) { return one.name < other.name; });
}

void Walk::visit(const Entry& entry) {
  const Folder& folder = folders_.back();
  const int fd = ::dirfd(folder.handle.get());
  std::string name = folder.path + entry.name;
  unsigned char type = entry.type;
  if (type == DT_UNKNOWN) {
    struct statx status {};

    if (::statx(fd, entry.name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE,
                &status) != 0) {
      return;
    }
    type = static_cast<unsigned char>(IFTODT(status.stx_mode));
  }
  if (type == DT_REG && lister_.lists_file(name)) return add(fd, entry, name);
  if (type == DT_LNK && lister_.lists_link(name)) return add(fd, entry, name);
  if (type == DT_DIR && lister_.holds_files(name)) enter(fd, entry.name, std::move(name));
}

void Walk::add(int folder, const Entry& entry, const std::string& name) {
  struct statx status {};

  if (::statx(folder, entry.name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | kAskServer,
              STATX_BASIC_STATS, &status) != 0) {
    if (!is_absence(errno)) lister_.keep(name);
    return;
  }
  if (S_ISREG(status.stx_mode) || S_ISLNK(status.stx_mode)) lister_.add(name, mark_of(status));
}

void Walk::fail(const std::string& path, int error) {
  problem_ = fmt::format("cannot read {}: {}", path, error_text(error));
}

}  // namespace hpp::watchd::poll
