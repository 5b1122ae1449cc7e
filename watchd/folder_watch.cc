#include "watchd/folder_watch.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <utility>

#include "common/os/directory_id.h"

namespace hpp::watchd {
namespace {

namespace fs = std::filesystem;

// The kernel refuses a path with more symbolic links than this (path_resolution(7)).
constexpr int kLinksMax = 40;

// Size of the buffer for one read of events. The next read returns those that do not fit.
constexpr std::size_t kEventsSize = 16 * 1024;

// Events for a part of the path that exists. IN_CREATE is left out, because files are often created
// in a parent directory, while directories are seldom removed or renamed there.
constexpr std::uint32_t kReplaced = IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

// The parts of a path, without the root.
std::deque<std::string> parts_of(const fs::path& path) {
  std::deque<std::string> parts;
  for (const auto& part : path.relative_path()) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  return parts;
}

}  // namespace

std::string DirectoryView::look(const std::string& path) {
  const std::string id = directory_id(path);
  if (id.empty() || id == id_) return id;
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::string opened = directory_id(fd.get());
  if (opened.empty()) return "";
  held_ = std::move(fd);
  return id_ = std::move(opened);
}

FolderWatch::FolderWatch(Loop& loop, std::string path, std::function<void()> on_stir)
    : loop_(loop), path_(std::move(path)), on_stir_(std::move(on_stir)) {
  arm();
}

// Some changes, such as a mount, cause no event. If the id has changed, the path leads through
// other directories now, which must be watched instead.
std::string FolderWatch::look() {
  std::string id = view_.look(path_);
  if (std::exchange(seen_, id) != id) arm();
  return id;
}

void FolderWatch::arm() {
  names_.clear();
  if (readable_) {
    readable_->stop();
    loop_.bury(std::move(readable_));
  }
  inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_.is_open()) return;
  watch_path();
  readable_ = std::make_unique<FdWatch>(loop_, inotify_.get(), FdWatch::For::Reading,
                                        [this] { read_events(); });
  readable_->start();
}

// Follows the path as the kernel does, up to the first part that is missing.
void FolderWatch::watch_path() {
  fs::path directory = "/";
  std::deque<std::string> parts = parts_of(path_);
  for (int links = 0; !parts.empty() && links <= kLinksMax;) {
    const std::string name = std::move(parts.front());
    parts.pop_front();
    if (name == "..") {
      directory = directory.parent_path();
      continue;
    }
    const fs::path place = directory / name;
    std::error_code error;
    const fs::file_type type = fs::symlink_status(place, error).type();
    watch(directory, name, type != fs::file_type::not_found);
    if (type == fs::file_type::directory) {
      directory = place;
      continue;
    }
    if (type != fs::file_type::symlink) return;
    ++links;
    const fs::path target = fs::read_symlink(place, error);
    if (target.is_absolute()) directory = "/";
    const std::deque<std::string> more = parts_of(target);
    parts.insert(parts.begin(), more.begin(), more.end());
  }
}

// IN_MASK_ADD, because one directory may hold two parts of the path if one is a link to the other.
void FolderWatch::watch(const std::string& directory, const std::string& name, bool exists) {
  const std::uint32_t mask =
      kReplaced | IN_ONLYDIR | IN_MASK_ADD | (exists ? 0U : std::uint32_t{IN_CREATE});
  const int watch = ::inotify_add_watch(inotify_.get(), directory.c_str(), mask);
  if (watch >= 0) names_[watch].insert(name);
}

void FolderWatch::read_events() {
  alignas(inotify_event) char events[kEventsSize];
  bool has_stirred = false;
  for (;;) {
    const ssize_t got = ::read(inotify_.get(), events, sizeof events);
    if (got <= 0) break;
    has_stirred = concerns_path(events, static_cast<std::size_t>(got)) || has_stirred;
  }
  if (!has_stirred) return;
  arm();
  on_stir_();
}

bool FolderWatch::concerns_path(const char* events, std::size_t size) const {
  for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
    inotify_event event;
    std::memcpy(&event, events + at, sizeof event);
    const char* const name = events + at + sizeof event;
    const auto watched = names_.find(event.wd);
    const bool is_overflow = (event.mask & IN_Q_OVERFLOW) != 0;
    if (is_overflow) return true;
    if (event.len > 0 && watched != names_.end() && watched->second.contains(name)) return true;
    at += sizeof event + event.len;
  }
  return false;
}

}  // namespace hpp::watchd
