#include "common/bus/publisher.h"

#include <fmt/format.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <random>
#include <stdexcept>
#include <utility>

#include "common/bus/endpoints.h"
#include "common/bus/nng_workarounds.h"
#include "common/event/fd_watch.h"
#include "common/exit_status.h"
#include "common/log.h"
#include "common/os/error.h"
#include "common/os/unique_fd.h"

namespace hpp::bus {
namespace {

// The helpers of an hpp-launch that was killed may still be exiting when the next one starts.
constexpr Milliseconds kLockPatience{1000};

constexpr Audience kAudiences[] = {Audience::Everybody, Audience::TicketHandlers};

FileLock lock_or_refuse(const RunDirectory& directory, const AuthorId& author) {
  auto lock = directory.lock(lock_name(author), kLockPatience);
  if (lock) return std::move(*lock);
  throw std::runtime_error(
      fmt::format("another hpp-{} uses {}. Stop it, or choose another directory with --run-dir",
                  helper_of(author.topic), directory.path()));
}

std::string cure(int error, const std::string& directory) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return fmt::format("Free some space in {}", directory);
    case EACCES:
    case EPERM:
    case EROFS:
      return fmt::format("Make {} writable", directory);
    case EMFILE:
      return "Raise the limit of open files (ulimit -n)";
    case ENFILE:
      return "Raise the limit of open files (sysctl fs.file-max)";
    default:
      return fmt::format("Check the file system of {}", directory);
  }
}

// Runs on one of nng's threads, so it only wakes the loop. `nudge` is the number of a descriptor,
// not a pointer, because a socket that does not close outlives its owner.
void on_pipe_added(nng_pipe, nng_pipe_ev, void* nudge) noexcept {
  const std::uint64_t one = 1;
  const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(nudge));
  [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
}

}  // namespace

// JSON numbers are exact up to 2^53 in most languages.
std::uint64_t random_epoch() {
  std::random_device device;
  const std::uint64_t wide = (std::uint64_t{device()} << 32) | device();
  return (wide >> 12) | 1;
}

struct Publisher::Sockets {
  Sockets(Loop& loop, const std::function<void()>& on_subscriber)
      : nudge(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        watch(loop, nudge.get(), FdWatch::For::Reading, [this, on_subscriber] {
          std::uint64_t count = 0;
          [[maybe_unused]] const auto got = ::read(nudge.get(), &count, sizeof count);
          on_subscriber();
        }) {
    open(everybody);
    open(ticket_handlers);
    watch.start();
  }

  ~Sockets() {
    const bool first = close_socket(everybody);
    const bool second = close_socket(ticket_handlers);
    // One of nng's threads may still write to the descriptor, so no other file may get its number.
    if (!first || !second) static_cast<void>(nudge.release());
  }

  void open(nng_socket& socket) {
    if (nng_pub0_open(&socket) != 0) throw std::runtime_error("cannot open a bus socket");
    // NOLINTNEXTLINE(performance-no-int-to-ptr): nng passes a pointer; a descriptor fits into it
    auto* argument = reinterpret_cast<void*>(std::intptr_t{nudge.get()});
    nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, &on_pipe_added, argument);
  }

  // May be called again if the file of the socket was deleted. The earlier listener stays open for
  // the subscribers that are connected to it.
  void listen(const std::string& directory, const AuthorId& author, Audience audience) const {
    const nng_socket socket = of(audience);
    // This process holds the author's lock, so an author that has crashed has left the file there.
    ::unlink(socket_path(directory, author, audience).c_str());
    const std::string url = socket_url(directory, author, audience);
    const int error = nng_listen(socket, url.c_str(), nullptr, 0);
    if (error != 0) {
      throw CannotStartNow(fmt::format("cannot listen on {}: {}", url, nng_strerror(error)));
    }
  }

  // PUB never blocks. nng drops messages that a slow subscriber cannot take; the newest snapshot is
  // sent again later.
  void send(News news, std::string text) const {
    for (const Audience audience : kAudiences) {
      if (!reaches(news, audience)) continue;
      nng_send(of(audience), text.data(), text.size(), NNG_FLAG_NONBLOCK);
    }
  }

  nng_socket of(Audience audience) const {
    return audience == Audience::Everybody ? everybody : ticket_handlers;
  }

  UniqueFd nudge;
  FdWatch watch;
  nng_socket everybody = NNG_SOCKET_INITIALIZER;
  nng_socket ticket_handlers = NNG_SOCKET_INITIALIZER;
};

Publisher::Publisher(Loop& loop, std::string run_directory, AuthorId author,
                     std::function<void()> on_mend)
    : on_mend_(std::move(on_mend)),
      directory_(std::move(run_directory), log::warning_text),
      id_(std::move(author)),
      lock_(lock_or_refuse(directory_, id_)),
      file_(directory_, snapshot_name(id_)),
      author_(random_epoch(), id_.name),
      sockets_(std::make_unique<Sockets>(loop, [this] { send_last(); })),
      repeat_timer_(loop, [this] { repeat(); }) {
  for (const Audience audience : kAudiences) {
    sockets_->listen(directory_.path(), id_, audience);
  }
  resume();
  repeat_timer_.start(author_.repeat_delay());
}

Publisher::~Publisher() = default;

void Publisher::resume() {
  const auto text = file_.read();
  if (!text) return;
  Decoded decoded = decode(*text);
  if (const auto* malformed = std::get_if<Malformed>(&decoded)) {
    log::warning("ignoring {}, which is not usable ({})", file_.path(), malformed->why);
    return;
  }
  Message last = std::get<Message>(std::move(decoded));
  if (author_of(last) != id_) {
    log::warning("ignoring {}, which belongs to another author", file_.path());
    return;
  }
  author_.resume(std::move(last));
}

void Publisher::publish(Message message) {
  const auto sending = author_.publish(std::move(message));
  if (!sending) return;
  last_text_ = encode(*author_.last());
  assert(last_text_.size() <= kMessageSizeMax);
  log::debug("bus ─► {}", last_text_);
  if (sending->restarts_timer) repeat_timer_.start(author_.repeat_delay());
  if (sending->news == News::Durable) write_file();
  sockets_->send(sending->news, last_text_);
}

void Publisher::write_file() {
  mend_directory();
  report(file_.write(encode(author_.kept())));
}

// Logs a failure when its kind changes, and when it is over.
void Publisher::report(SnapshotFile::Outcome outcome) {
  const auto before = std::exchange(written_, outcome.result);
  if (before == written_) return;
  const std::string why = error_text(outcome.error);
  switch (written_) {
    case SnapshotFile::Result::Replaced:
      return log::info("{} can be replaced again", file_.path());
    case SnapshotFile::Result::Overwritten:
      if (before == SnapshotFile::Result::Lost) return;
      return log::warning("cannot create files in {} ({}): hpp keeps working and loses nothing. {}",
                          directory_.path(), why, cure(outcome.error, directory_.path()));
    case SnapshotFile::Result::Lost:
      return log::warning(
          "cannot write {} ({}): if hpp-{} crashes now, your server is restarted once more. {}",
          file_.path(), why, helper_of(id_.topic), cure(outcome.error, directory_.path()));
  }
}

// Some programs delete old files in /tmp, and a chmod -R may change more than its user intended.
void Publisher::mend() {
  mend_directory();
  mend_lock();
  mend_sockets();
  if (on_mend_) on_mend_();
  if (last_text_.empty()) return;
  if (written_ != SnapshotFile::Result::Replaced || !file_.is_in_place()) write_file();
}

void Publisher::mend_directory() {
  try {
    directory_.mend();
    directory_trouble_told_ = false;
  } catch (const std::exception& error) {
    if (std::exchange(directory_trouble_told_, true)) return;
    log::warning("{} (running programs continue)", error.what());
  }
}

// Without the file, hpp-ctl would report that hpp is not running, and a second author could start.
void Publisher::mend_lock() {
  const std::string name = lock_name(id_);
  if (lock_.is_held_at(directory_.fd(), name)) return;
  const std::string path = fmt::format("{}/{}", directory_.path(), name);
  try {
    auto lock = directory_.lock(name);
    if (!lock) throw std::runtime_error("another process has it");
    lock_ = std::move(*lock);
    lock_trouble_told_ = false;
    log::warning("{} was deleted: created it again", path);
  } catch (const std::exception& error) {
    if (std::exchange(lock_trouble_told_, true)) return;
    log::warning("{} was deleted and cannot be locked again: {}", path, error.what());
  }
}

void Publisher::mend_sockets() {
  bool has_failed = false;
  for (const Audience audience : kAudiences) {
    if (directory_.has(socket_name(id_, audience))) continue;
    const std::string path = socket_path(directory_.path(), id_, audience);
    try {
      sockets_->listen(directory_.path(), id_, audience);
      log::warning("{} was deleted: created it again", path);
    } catch (const std::exception& error) {
      has_failed = true;
      if (socket_trouble_told_) continue;
      log::warning("{} was deleted and cannot be created again: {}", path, error.what());
    }
  }
  socket_trouble_told_ = has_failed;
}

void Publisher::repeat() {
  mend();
  send_last();
  author_.repeated(written_ == SnapshotFile::Result::Replaced);
  repeat_timer_.start(author_.repeat_delay());
}

void Publisher::send_last() {
  if (!last_text_.empty()) sockets_->send(News::Durable, last_text_);
}

}  // namespace hpp::bus
