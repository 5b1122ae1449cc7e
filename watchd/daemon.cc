#include "watchd/daemon.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <variant>

#include "common/event/outlet_watch.h"
#include "common/event/signals.h"
#include "common/log.h"
#include "common/os/error.h"
#include "common/os/project_directory.h"
#include "common/os/run_directory.h"
#include "watchd/core/bser.h"
#include "watchd/git_ignore.h"
#include "watchd/link_search.h"
#include "watchd/lock_search.h"
#include "watchd/repositories.h"

namespace hpp::watchd {
namespace {

// A longer PDU is not waited for. That of a whole repository of 500,000 files has half of it.
constexpr std::size_t kPduMax = 64 * 1024 * 1024;

// Throws std::runtime_error if Watchman could not read it either. For a folder that is missing, as
// it may be for a watchd that is started again, the session waits.
std::string readable_project_directory() {
  std::string path = take_project_directory();
  if (::access(path.c_str(), R_OK | X_OK) != 0 && errno != ENOENT) {
    throw_errno(fmt::format("cannot watch {}", path));
  }
  return path;
}

std::optional<bus::TreeState> last_tree(const bus::Publisher& publisher) {
  if (!publisher.last()) return std::nullopt;
  return std::get<bus::TreeState>(*publisher.last());
}

Session::Settings settings(const Options& options, const std::string& directory,
                           const bus::Publisher& publisher) {
  return {.directory = directory,
          .filter = {.patterns = options.patterns,
                     .excludes = options.excludes,
                     .css = options.css,
                     .reload = options.reload,
                     .default_excludes = options.default_excludes,
                     .gitignore = options.gitignore,
                     .ignore_unchanged = options.ignore_unchanged},
          .resumed = last_tree(publisher)};
}

// A Unix socket connects at once or not at all. Returns an errno value.
int connect_to(const std::string& path, UniqueFd& fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  fd.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return errno;
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return errno;
  return 0;
}

log::Level log_level(Say::Level level) {
  switch (level) {
    case Say::Level::Warning:
      return log::Level::Warning;
    case Say::Level::Info:
      return log::Level::Info;
    case Say::Level::Debug:
      return log::Level::Debug;
  }
  return log::Level::Error;
}

// Whether Watchman is installed at all is found out by the first search: later ones, when it is
// being upgraded, may fail and be repeated.
[[noreturn]] void throw_for_first_search(const std::system_error& error) {
  if (error.code().value() == ENOENT) {
    throw std::runtime_error(
        "watchman is not installed: it tells hpp which files change "
        "(apt-get install watchman, or see https://facebook.github.io/watchman/docs/install)");
  }
  throw std::runtime_error(std::string("cannot run watchman: ") + error.what());
}

}  // namespace

Daemon::Daemon(Loop& loop, const Options& options)
    : loop_(loop),
      manager_(loop),
      publisher_(loop, options.run_directory, bus::Topic::Tree),
      directory_(readable_project_directory()),
      session_(settings(options, directory_, publisher_)),
      timer_(loop, [this] { take(TimerExpired{}); }),
      folder_(loop, directory_, [this] { take(FolderStirred{}); }),
      subscriber_(loop, options.run_directory, {bus::Topic::Proxy}, bus::Audience::TicketHandlers,
                  [this](const bus::Message& message) {
                    take(TicketSeen{std::get<bus::ProxyState>(message).asks});
                  }) {
  take(Started{});
  manager_.ready();
}

// ---- callbacks ----------------------------------------------------------------------------------

void Daemon::on_input() {
  Buffer& input = stream_->input();
  while (stream_) {
    const bser::Frame frame = bser::frame(input.pull_up(bser::kHeaderMax));
    if (frame.is == bser::Frame::Is::Broken) {
      return take(Disconnected{"Watchman does not speak BSER"});
    }
    if (frame.size > kPduMax) {
      return take(Disconnected{fmt::format("Watchman sent {} bytes at once", frame.size)});
    }
    if (frame.is == bser::Frame::Is::Incomplete || input.size() < frame.size) return;
    PduArrived event{std::string(input.pull_up(frame.size))};
    input.drain(frame.size);
    take(std::move(event));
  }
}

void Daemon::on_input_ended() {
  take(Disconnected{"Watchman closed the connection"});
}

void Daemon::on_output_progress() {}

void Daemon::on_broken(int error) {
  take(Disconnected{"the connection to Watchman broke: " + error_text(error)});
}

void Daemon::dispatch(const Event& event) {
  for (const Effect& effect : session_.on(event, std::chrono::steady_clock::now())) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

// ---- effects ------------------------------------------------------------------------------------

void Daemon::perform(const FindSocket&) {
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

void Daemon::perform(const Connect& effect) {
  UniqueFd fd;
  const int error = connect_to(effect.path, fd);
  if (error != 0) {
    return take(Disconnected{
        fmt::format("cannot connect to Watchman at {}: {}", effect.path, error_text(error))});
  }
  stream_ = std::make_unique<Stream>(loop_, std::move(fd), static_cast<StreamListener&>(*this));
  take(Connected{});
}

void Daemon::perform(const Send& effect) {
  if (!stream_) return;
  stream_->output().append(effect.bytes);
  stream_->flush();
}

void Daemon::perform(const Disconnect&) {
  if (search_) SocketSearch::abandon(std::move(search_));
  if (stream_) loop_.bury(std::move(stream_));
}

void Daemon::perform(const StartTimer& effect) {
  timer_.start(effect.delay);
}

void Daemon::perform(const StopTimer&) {
  timer_.stop();
}

void Daemon::perform(const Look& effect) {
  Looked looked{.folder = folder_.look(), .root = {}, .locks = {}, .repositories = {}};
  if (!effect.root.empty()) {
    looked.root = root_.look(effect.root);
    looked.repositories = Repositories(directory_).of_folders(effect.folders);
    looked.locks = find_git_locks(directory_, looked.repositories);
  }
  take(std::move(looked));
}

void Daemon::perform(const AskGit& effect) {
  Sifted sifted = without_ignored(directory_, effect.files);
  take(GitAsked{.files = std::move(sifted.files), .problem = std::move(sifted.problem)});
}

void Daemon::perform(const FollowLinks& effect) {
  take(LinksFollowed{links_outside(directory_, effect.names)});
}

void Daemon::perform(const Publish& effect) {
  publisher_.publish(effect.tree);
}

void Daemon::perform(const Say& effect) {
  const log::Level level = log_level(effect.level);
  if (log::prints(level)) log::write(level, effect.text);
}

// ---- the program --------------------------------------------------------------------------------

int run(const Options& options) {
  prepare_run_directory(options.run_directory);
  Loop loop;
  const OutletWatch log_watch(loop, log::outlet());
  const Signals signals(loop, {SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
  const Daemon daemon(loop, options);
  loop.run();
  return 0;
}

}  // namespace hpp::watchd
