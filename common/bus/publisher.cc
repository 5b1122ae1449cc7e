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

// The second belt: the newest is sent again so long after it was sent first, and then at intervals
// that double up to the longest. At rest each costs every reader some ten wake-ups of nng's
// threads.
constexpr Milliseconds kTickMin{1000};
constexpr Milliseconds kTickMax{16'000};

// What was sent since the file was written, readers know by sequence: a restarted author that did
// not start above it would be ignored. Far more than can be sent meanwhile, and exact in JSON for
// two million restarts.
constexpr std::uint64_t kSequencesSkipped = std::uint64_t{1} << 32;

// The helpers of a hpp-launch that was killed may still be on their way out when the next one
// starts.
constexpr Milliseconds kLockPatience{1000};

FileLock lock_or_refuse(const RunDirectory& directory, Topic topic) {
  auto lock = directory.lock(lock_name(topic), kLockPatience);
  if (lock) return std::move(*lock);
  throw std::runtime_error(
      fmt::format("another hpp-{} is at work in {}", author_of(topic), directory.path()));
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
      return fmt::format("Find out what is wrong with {}", directory);
  }
}

// Runs on a thread of nng's: all it may do is nudge the loop. `nudge` is the descriptor's number,
// and no pointer, because a socket that does not close outlives its owner.
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
  Sockets(Loop& loop, std::function<void()> on_subscriber)
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
    // Otherwise a thread of nng's may still write to it: no other file may get its number.
    if (!first || !second) static_cast<void>(nudge.release());
  }

  void open(nng_socket& socket) {
    if (nng_pub0_open(&socket) != 0) throw std::runtime_error("cannot open a bus socket");
    nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, &on_pipe_added,
                    reinterpret_cast<void*>(std::intptr_t{nudge.get()}));
  }

  // Once more, if the sockets have been deleted: nng would not accept at the old place any more.
  // What listens there is left alone, for the sake of those who are connected.
  void listen(const std::string& directory, Topic topic) const {
    listen(everybody, directory, topic, Audience::Everybody);
    listen(ticket_handlers, directory, topic, Audience::TicketHandlers);
  }

  // The author's lock is ours: what is at the path was left by one that crashed.
  static void listen(nng_socket socket, const std::string& directory, Topic topic,
                     Audience audience) {
    ::unlink(socket_path(directory, topic, audience).c_str());
    const std::string url = socket_url(directory, topic, audience);
    const int error = nng_listen(socket, url.c_str(), nullptr, 0);
    if (error != 0) {
      throw CannotStartNow(fmt::format("cannot listen on {}: {}", url, nng_strerror(error)));
    }
  }

  // To all whom that news concerns. PUB never blocks: what a slow subscriber cannot take is
  // dropped, and sent again by the tick.
  void send(News news, std::string text) const {
    if (news != News::Ticket) nng_send(everybody, text.data(), text.size(), NNG_FLAG_NONBLOCK);
    nng_send(ticket_handlers, text.data(), text.size(), NNG_FLAG_NONBLOCK);
  }

  UniqueFd nudge;
  FdWatch watch;
  nng_socket everybody = NNG_SOCKET_INITIALIZER;
  nng_socket ticket_handlers = NNG_SOCKET_INITIALIZER;
};

Publisher::Publisher(Loop& loop, std::string run_directory, Topic topic)
    : directory_(std::move(run_directory)),
      topic_(topic),
      lock_(lock_or_refuse(directory_, topic)),
      file_(directory_, snapshot_name(topic)),
      stamp_{.epoch = random_epoch(), .sequence = 0},
      sockets_(std::make_unique<Sockets>(loop, [this] { send_last(); })),
      tick_(loop,
            [this] {
              mend();
              send_last();
              const bool is_well = written_ == SnapshotFile::Result::Replaced;
              tick_delay_ = is_well ? std::min(2 * tick_delay_, kTickMax) : kTickMin;
              tick_.start(tick_delay_);
            }),
      tick_delay_(kTickMin) {
  sockets_->listen(directory_.path(), topic_);
  resume();
  tick_.start(tick_delay_);
}

Publisher::~Publisher() = default;

void Publisher::resume() {
  const auto text = file_.read();
  if (!text) return;
  Decoded decoded = decode(*text);
  if (const auto* malformed = std::get_if<Malformed>(&decoded)) {
    log::warning("{} is not usable ({}): starting anew", file_.path(), malformed->why);
    return;
  }
  last_ = std::get<Message>(std::move(decoded));
  if (topic_of(*last_) != topic_) {
    log::warning("{} holds another topic: starting anew", file_.path());
    last_.reset();
    return;
  }
  stamp_ = stamp_of(*last_);
  stamp_.sequence += kSequencesSkipped;
}

void Publisher::publish(Message message) {
  message = limited(std::move(message));
  set_stamp(message, stamp_);
  if (last_ && message == *last_ && !last_text_.empty()) return;
  const News news = last_text_.empty() ? News::Durable : news_of(message, *last_);
  ++stamp_.sequence;
  set_stamp(message, stamp_);
  last_ = std::move(message);
  last_text_ = encode(*last_);
  assert(last_text_.size() <= kMessageSizeMax);
  log::debug("bus ─► {}", last_text_);
  if (std::exchange(tick_delay_, kTickMin) != kTickMin) tick_.start(kTickMin);
  if (news == News::Durable) write_file();
  sockets_->send(news, last_text_);
}

void Publisher::write_file() {
  mend_directory();
  Message kept = durable(*last_);
  set_stamp(kept, stamp_);
  tell_of(file_.write(encode(kept)));
}

// Once for each kind of trouble, and once when it is over.
void Publisher::tell_of(SnapshotFile::Outcome outcome) {
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
          file_.path(), why, author_of(topic_), cure(outcome.error, directory_.path()));
  }
}

// Some programs delete old files in /tmp, and a chmod -R may hit more than its user meant.
void Publisher::mend() {
  mend_directory();
  mend_lock();
  mend_sockets();
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
  const std::string name = lock_name(topic_);
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
  const auto is_gone = [this](Audience a) { return !directory_.has(socket_name(topic_, a)); };
  if (!is_gone(Audience::Everybody) && !is_gone(Audience::TicketHandlers)) return;
  const std::string path = socket_path(directory_.path(), topic_, Audience::Everybody);
  try {
    sockets_->listen(directory_.path(), topic_);
    socket_trouble_told_ = false;
    log::warning("{} was deleted: created it again", path);
  } catch (const std::exception& error) {
    if (std::exchange(socket_trouble_told_, true)) return;
    log::warning("{} was deleted and cannot be created again: {}", path, error.what());
  }
}

void Publisher::send_last() {
  if (!last_text_.empty()) sockets_->send(News::Durable, last_text_);
}

}  // namespace hpp::bus
