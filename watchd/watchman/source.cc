#include "watchd/watchman/source.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <variant>

#include "common/os/error.h"
#include "common/os/unix_socket.h"
#include "watchd/digest.h"
#include "watchd/say.h"
#include "watchd/watchman/core/bser.h"

namespace hpp::watchd::watchman {
namespace {

// The longest PDU that is read. A list of all files of a repository with 500,000 files takes half
// of it.
constexpr std::size_t kPduMax = 64 * 1024 * 1024;

// Returns an empty path if there is no such directory.
std::string existing_real_path(const std::string& directory) {
  std::error_code error;
  return std::filesystem::canonical(directory, error).native();
}

// Only the first search decides that Watchman is not installed. A later one may fail while Watchman
// is being upgraded, and is repeated.
[[noreturn]] void throw_for_first_search(const std::system_error& error) {
  if (error.code().value() == ENOENT) {
    throw std::runtime_error(
        "watchman is not installed. Install it (apt-get install watchman, or see "
        "https://facebook.github.io/watchman/docs/install), or let hpp use inotify, without "
        "--watcher watchman");
  }
  throw std::runtime_error(std::string("cannot run watchman: ") + error.what());
}

}  // namespace

Source::Source(Loop& loop, Conversation::Settings settings, OnReport on_report)
    : loop_(loop),
      directory_(settings.directory),
      wants_digests_(settings.filter.ignore_unchanged),
      conversation_(std::move(settings)),
      on_report_(std::move(on_report)),
      timer_(loop, [this] { take(TimerExpired{}); }) {}

// ---- callbacks ----------------------------------------------------------------------------------

// A stream that Disconnect has buried may report once more in the same turn of the loop.
void Source::on_input() {
  while (stream_) {
    Buffer& input = stream_->input();
    const bser::Frame frame = bser::frame(input.pull_up(bser::kHeaderMax));
    if (frame.is == bser::Frame::Is::Broken) {
      return take(Disconnected{"Watchman does not speak BSER"});
    }
    if (frame.size > kPduMax) return take(PduTooLong{frame.size});
    if (frame.is == bser::Frame::Is::Incomplete || input.size() < frame.size) return;
    PduArrived event{std::string(input.pull_up(frame.size))};
    input.drain(frame.size);
    take(std::move(event));
  }
}

void Source::on_input_ended() {
  if (stream_) take(Disconnected{"Watchman closed the connection"});
}

void Source::on_output_progress() {}

void Source::on_broken(int error) {
  if (stream_) take(Disconnected{"the connection to Watchman broke: " + error_text(error)});
}

void Source::dispatch(const Event& event) {
  for (const Effect& effect : conversation_.on(event)) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

// ---- effects ------------------------------------------------------------------------------------

void Source::perform(const FindSocket&) {
  const auto on_end = [this](const SocketName& name) {
    SocketSearch::abandon(std::move(search_));
    if (name.path.empty()) return take(SocketNotFound{name.problem});
    take(SocketFound{name.path});
  };
  try {
    search_ = std::make_unique<SocketSearch>(loop_, on_end);
    searched_ = true;
  } catch (const std::system_error& error) {
    if (!searched_) throw_for_first_search(error);
    take(SocketNotFound{std::string("cannot run watchman: ") + error.what()});
  }
}

void Source::perform(const Connect& effect) {
  UniqueFd fd = connect_unix_socket(effect.path, SOCK_STREAM);
  if (!fd.is_open()) {
    return take(Disconnected{
        fmt::format("cannot connect to Watchman at {}: {}", effect.path, error_text(errno))});
  }
  stream_ = std::make_unique<Stream>(loop_, std::move(fd), static_cast<StreamListener&>(*this));
  take(Connected{existing_real_path(directory_)});
}

void Source::perform(const Send& effect) {
  if (!stream_) return;
  stream_->output().append(effect.bytes);
  stream_->flush();
}

void Source::perform(const Disconnect&) {
  if (search_) SocketSearch::abandon(std::move(search_));
  if (stream_) loop_.bury(std::move(stream_));
}

void Source::perform(const LookAtRoot& effect) {
  take(RootSeen{root_.look(effect.path)});
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

void Source::perform(const Began& report) {
  Began began = report;
  if (wants_digests_) add_digests(directory_, began.files);
  on_report_(std::move(began));
}

void Source::perform(const Changed& report) {
  Changed changed = report;
  if (wants_digests_) add_digests(directory_, changed.files);
  on_report_(std::move(changed));
}

}  // namespace hpp::watchd::watchman
