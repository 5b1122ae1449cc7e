#include "supervisord/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>

#include "common/bus/messages.h"
#include "common/log.h"
#include "common/os/error.h"
#include "common/os/pipe.h"
#include "common/os/same_file.h"
#include "common/os/terminal.h"
#include "common/time_point.h"

namespace hpp::supervisord {
namespace {

// Size of one read: the default capacity of a pipe, pipe(7).
constexpr std::size_t kReadSize = 64 * 1024;
// Limit of drain(), because a process that has survived the backend may write without end.
constexpr std::size_t kDrainMax = 1024 * 1024;

// Moves the cursor home, erases the screen and erases the scrollback (ECMA-48, xterm).

UniqueFd duplicate(const UniqueFd& fd) {
  UniqueFd same(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!same.is_open()) throw_errno("cannot duplicate a descriptor");
  return same;
}

// Whether both descriptors refer to the same terminal, pipe, socket or file.
bool is_same(int one, int other) {
  return is_same_terminal(one, other) || is_same_file(one, other);
}

// The tap of one stream.
Relay::Tap part(const Output::Tap& tap, bus::OutputStream stream) {
  if (!tap) return {};
  return [tap, stream](std::string_view bytes) { tap(stream, bytes); };
}

}  // namespace

// ---- Destinations -------------------------------------------------------------------------------

Destinations::Destinations(Loop& loop) : loop_(loop), log_watch_(loop, log::outlet()) {}

OutletWatch& Destinations::at(int fd) {
  if (is_same(fd, log::outlet().target())) return log_watch_;
  for (Place& place : places_) {
    if (is_same(fd, place.outlet.target())) return place.watch;
  }
  return places_.emplace_back(loop_, fd).watch;
}

void Destinations::finish(Milliseconds patience) {
  const TimePoint deadline = std::chrono::steady_clock::now() + patience;
  const auto left = [&] {
    const auto rest = deadline - std::chrono::steady_clock::now();
    return std::max(Milliseconds{0}, std::chrono::ceil<Milliseconds>(rest));
  };
  for (Place& place : places_) place.outlet.finish(left());
  log::finish(left());
}

// ---- Relay --------------------------------------------------------------------------------------

Relay::Relay(Loop& loop, OutletWatch& destination, Kind kind, Tap tap)
    : loop_(loop),
      destination_(destination),
      outlet_(destination.outlet()),
      is_terminal_(kind == Kind::Terminal || is_terminal(outlet_.target())),
      tap_(std::move(tap)) {
  destination_.join(this, [this] { on_room(); });
}

Relay::~Relay() {
  destination_.leave(this);
}

Relay::Ends Relay::make() const {
  if (is_terminal_) {
    Pty pty = make_pty(outlet_.target());
    return {.ours = std::move(pty.master), .theirs = std::move(pty.slave)};
  }
  Pipe pipe = make_pipe();
  return {.ours = std::move(pipe.reader), .theirs = std::move(pipe.writer)};
}

UniqueFd Relay::open() {
  Ends ends = make();
  take_over(std::move(ends.ours));
  return std::move(ends.theirs);
}

void Relay::take_over(UniqueFd reader, std::string_view earlier) {
  drain();
  close();
  tail_.clear();
  if (!earlier.empty()) pass_on(earlier);
  reader_ = std::move(reader);
  set_nonblocking(reader_.get());
  readable_ = std::make_unique<FdWatch>(loop_, reader_.get(), FdWatch::For::Reading,
                                        [this] { on_readable(); });
  on_room();
}

void Relay::drain() {
  std::size_t drained = 0;
  while (reader_.is_open() && drained < kDrainMax) {
    const Got got = read_once();
    if (got.value_or(0) == 0) return;
    drained += *got;
  }
}

bool Relay::show(std::string_view sequence) {
  if (!is_able_terminal(outlet_.target())) return false;
  outlet_.write_control(sequence);
  return true;
}

void Relay::follow_window() {
  if (reader_.is_open()) copy_window_size(outlet_.target(), reader_.get());
}

std::string_view Relay::tail() const {
  const std::string_view all = tail_;
  return all.substr(all.size() - std::min(all.size(), bus::kOutputTailMax));
}

Relay::Got Relay::read_once() {
  char bytes[kReadSize];
  ssize_t got = 0;
  do {
    got = ::read(reader_.get(), bytes, sizeof bytes);
  } while (got < 0 && errno == EINTR);
  const bool is_terminals_end = got < 0 && errno == EIO;
  if (got == 0 || is_terminals_end) return std::nullopt;
  if (got < 0) return 0;
  pass_on({bytes, static_cast<std::size_t>(got)});
  return static_cast<std::size_t>(got);
}

void Relay::pass_on(std::string_view bytes) {
  outlet_.write(bytes);
  if (tap_) tap_(bytes);
  tail_ += bytes;
  if (tail_.size() > 2 * bus::kOutputTailMax) {
    tail_.erase(0, tail_.size() - bus::kOutputTailMax);
  }
}

void Relay::on_readable() {
  // While the destination accepts no output, the backend blocks, as it would without us.
  if (!has_room()) return readable_->stop();
  if (!read_once()) close();
}

void Relay::on_room() {
  if (readable_ && has_room()) readable_->start();
}

void Relay::close() {
  if (readable_) {
    readable_->stop();
    loop_.bury(std::move(readable_));
  }
  reader_.reset();
}

// ---- Output -------------------------------------------------------------------------------------

Output::Output(Loop& loop, OutletWatch& out, OutletWatch& err, Input input, Tap tap)
    : input_(input),
      out_(loop, out, input == Input::Keyboard ? Relay::Kind::Terminal : Relay::Kind::Same,
           part(tap, bus::OutputStream::Stdout)) {
  if (is_same_terminal(out.outlet().target(), err.outlet().target())) return;
  err_.emplace(loop, err, Relay::Kind::Same, part(tap, bus::OutputStream::Stderr));
}

Output::Ends Output::open() {
  Made made = make();
  if (input_ == Input::Keyboard) made.ends.in = duplicate(made.ends.out);
  take_over(std::move(made.readers));
  return std::move(made.ends);
}

void Output::reset_screen() {
  if (input_ == Input::Keyboard) out_.show(kScreenAsUsual);
}

std::vector<int> Output::readers() const {
  std::vector<int> fds{out_.reader()};
  if (err_) fds.push_back(err_->reader());
  return fds;
}

Output::Made Output::make() const {
  Made made;
  Relay::Ends out = out_.make();
  made.readers.push_back(std::move(out.ours));
  made.ends.out = std::move(out.theirs);
  if (!err_) {
    made.ends.err = duplicate(made.ends.out);
    return made;
  }
  Relay::Ends err = err_->make();
  made.readers.push_back(std::move(err.ours));
  made.ends.err = std::move(err.theirs);
  return made;
}

void Output::take_over(std::vector<UniqueFd> readers, std::vector<std::string> earlier) {
  assert(readers.size() == reader_count());
  earlier.resize(reader_count());
  out_.take_over(std::move(readers.front()), earlier.front());
  if (err_) err_->take_over(std::move(readers.back()), earlier.back());
}

void Output::drain() {
  out_.drain();
  if (err_) err_->drain();
}

void Output::clear_screen() {
  drain();
  if (!out_.show(kClearScreen) && err_) err_->show(kClearScreen);
}

void Output::follow_window() {
  out_.follow_window();
  if (err_) err_->follow_window();
}

std::string Output::tail() const {
  const std::string_view err = err_ ? err_->tail() : std::string_view();
  return std::string(err.empty() ? out_.tail() : err);
}

}  // namespace hpp::supervisord
