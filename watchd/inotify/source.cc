#include "watchd/inotify/source.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <memory>
#include <variant>
#include <vector>

#include "common/os/directory_id.h"
#include "common/os/inotify_use.h"
#include "watchd/digest.h"
#include "watchd/inotify/events.h"
#include "watchd/say.h"

namespace hpp::watchd::inotify {
namespace {

using Kind = Directories::Kind;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Entry::Is entry_of(mode_t mode) {
  if (S_ISDIR(mode)) return Entry::Is::Directory;
  if (S_ISLNK(mode)) return Entry::Is::Link;
  return S_ISREG(mode) ? Entry::Is::File : Entry::Is::Special;
}

// Some file systems do not return the type together with the name. A name that is gone by now
// counts as a file; the queue has an event about its removal.
Entry::Is kind_of(const dirent& entry, int directory) {
  if (entry.d_type != DT_UNKNOWN) return entry_of(static_cast<mode_t>(DTTOIF(entry.d_type)));

  struct stat status {};

  const int failed = ::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW);
  return failed == 0 ? entry_of(status.st_mode) : Entry::Is::File;
}

// Returns an errno value.
int read_entries(UniqueFd fd, std::vector<Entry>& entries) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd.get()));
  if (!directory) return errno;
  (void)fd.release();  // closedir() closes it
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) return errno;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    entries.push_back({.name = std::string(name), .is = kind_of(*entry, ::dirfd(directory.get()))});
  }
}

// The watch is added through the open descriptor, so that it is on the directory that is read. It
// is added first, so that a name that appears meanwhile is either read, or has an event.
DirectoryOpened open_directory(int queue, int root, const std::string& path) {
  UniqueFd fd(::openat(root, path.empty() ? "." : path.c_str(),
                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.is_open()) return {.error = errno};
  const std::string itself = fmt::format("/proc/self/fd/{}", fd.get());
  const int watch = ::inotify_add_watch(queue, itself.c_str(), kWatchMask);
  if (watch < 0) return {.error = errno, .limit = inotify_limit("max_user_watches")};
  DirectoryOpened opened{.watch = watch};
  opened.error = read_entries(std::move(fd), opened.entries);
  return opened;
}

Examined::Result examine(int root, const std::string& name, bool wants_digest) {
  struct stat status {};

  if (::fstatat(root, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    const bool is_gone = errno == ENOENT || errno == ENOTDIR;
    return {.is = is_gone ? Kind::Unknown : Kind::File};
  }
  switch (entry_of(status.st_mode)) {
    case Entry::Is::Directory:
      return {.is = Kind::Unknown};
    case Entry::Is::Special:
      return {.is = Kind::Special};
    case Entry::Is::File:
    case Entry::Is::Link:
      break;
  }
  Examined::Result file{.is = Kind::File};
  if (wants_digest) file.digest = digest_of(root, name);
  return file;
}

bool is_link(int root, const std::string& name) {
  struct stat status {};

  return ::fstatat(root, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISLNK(status.st_mode);
}

}  // namespace

Source::Source(Loop& loop, ServiceManager& manager, std::string_view store_name,
               std::string directory, Follower::Settings settings, OnReport on_report,
               OnQueueUse on_queue_use)
    : loop_(loop),
      directory_(std::move(directory)),
      follower_(std::move(settings)),
      on_report_(std::move(on_report)),
      on_queue_use_(std::move(on_queue_use)),
      queue_(manager, store_name),
      turn_(loop, [this] { take(TurnCame{}); }),
      timer_(loop, [this] { take(TimerExpired{}); }) {}

std::optional<Source::Queue> Source::idle_queue() const {
  if (!follower_.is_idle()) return std::nullopt;
  return Queue{.fd = queue_.fd(), .directory = directory_, .id = directory_id(root_.get())};
}

void Source::dispatch(const Event& event) {
  for (const Effect& effect : follower_.on(event, std::chrono::steady_clock::now())) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

// ---- effects ------------------------------------------------------------------------------------

void Source::perform(const OpenQueue& effect) {
  on_queue_use_(QueueUse::OpeningOrClosing);
  root_.reset(::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const KeptQueue::Opened opened = queue_.open(effect.token);
  if (opened.error != 0) {
    return events_.post_next(
        QueueOpened{.error = opened.error, .limit = inotify_limit("max_user_instances")});
  }
  readable_ = std::make_unique<FdWatch>(loop_, queue_.fd(), FdWatch::For::Reading,
                                        [this] { take(QueueReadable{}); });
  readable_->start();
  events_.post_next(QueueOpened{
      .token = queue_.token(), .is_kept = opened.is_kept, .position = queue_.position()});
}

void Source::perform(const CloseQueue&) {
  on_queue_use_(QueueUse::OpeningOrClosing);
  if (readable_) {
    readable_->stop();
    loop_.bury(std::move(readable_));
  }
  turn_.cancel();
  queue_.close();
  root_.reset();
}

void Source::perform(const OpenDirectory& effect) {
  events_.post_next(open_directory(queue_.fd(), root_.get(), effect.path));
}

// The watch may have ended by itself, because its directory is gone.
void Source::perform(const RemoveWatch& effect) {
  ::inotify_rm_watch(queue_.fd(), effect.watch);
}

void Source::perform(const ReadQueue&) {
  on_queue_use_(QueueUse::Reading);
  queue_.set_position(KeptQueue::kReading);
  int left = 0;
  ::ioctl(queue_.fd(), FIONREAD, &left);
  std::vector<char> buffer(static_cast<std::size_t>(left));
  const ssize_t got = ::read(queue_.fd(), buffer.data(), buffer.size());
  buffer.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  events_.post_next(QueueRead{read_events({buffer.data(), buffer.size()})});
}

void Source::perform(const KeepPosition& effect) {
  queue_.set_position(effect.position);
}

void Source::perform(const Examine& effect) {
  Examined examined;
  examined.results.reserve(effect.names.size());
  for (const std::string& name : effect.names) {
    examined.results.push_back(examine(root_.get(), name, effect.wants_digests));
  }
  events_.post_next(std::move(examined));
}

void Source::perform(const FindLinks& effect) {
  LinksFound found;
  std::copy_if(effect.names.begin(), effect.names.end(), std::back_inserter(found.names),
               [this](const std::string& name) { return is_link(root_.get(), name); });
  events_.post_next(std::move(found));
}

void Source::perform(const AwaitTurn&) {
  turn_.start();
}

void Source::perform(const StartTimer& effect) {
  timer_.start(effect.delay);
}

void Source::perform(const StopTimer&) {
  timer_.stop();
}

void Source::perform(const Say& effect) {
  say(effect);
}

}  // namespace hpp::watchd::inotify
