#include "watchd/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

#include "common/event/outlet_watch.h"
#include "common/event/signals.h"
#include "common/glob.h"
#include "common/log.h"
#include "common/os/error.h"
#include "common/os/git_lock_search.h"
#include "common/os/project_directory.h"
#include "common/os/real_path.h"
#include "watchd/core/roots.h"
#include "watchd/git_ignore.h"
#include "watchd/output_files.h"
#include "watchd/pattern_walk.h"
#include "watchd/repositories.h"
#include "watchd/say.h"

namespace hpp::watchd {
namespace {

// Throws std::runtime_error if the project folder cannot be read, because Watchman could not read
// it either. A missing folder is no error: it may be gone while watchd is restarted, and Tree waits
// for it.
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

// hpp writes into its run directory and to its output at each restart, so neither must cause
// another one.
Filter filter_of(const Options& options, const std::string& project) {
  Filter filter{.patterns = options.patterns,
                .excludes = options.excludes,
                .css = options.css,
                .reload = options.reload,
                .default_excludes = options.default_excludes,
                .gitignore = options.gitignore,
                .env_file = options.env_file,
                .ignore_unchanged = options.ignore_unchanged};
  const bool has_patterns = !filter.patterns.empty();
  if (has_patterns && !options.env_file.empty()) {
    filter.patterns.push_back(glob_of(options.env_file));
  }
  const std::string real_project = real_path(project);
  if (const auto own = glob_within(real_project, real_path(options.run_directory))) {
    filter.excludes.push_back(*own + "/**");
  }
  for (const std::string& path : files_of_output()) {
    const auto own = glob_within(real_project, path);
    if (!own) continue;
    filter.excludes.push_back(*own);
    log::detail("{} is not watched, because hpp's output goes there", path);
  }
  return filter;
}

}  // namespace

Daemon::Daemon(Loop& loop, const Options& options)
    : manager_(loop),
      publisher_(loop, options.run_directory, bus::Topic::Tree, [this] { queue_server_.mend(); }),
      directory_(readable_project_directory()),
      filter_(filter_of(options, directory_)),
      tree_({.directory = directory_, .filter = filter_, .resumed = last_tree(publisher_)}),
      queue_server_(loop, options.run_directory, publisher_.epoch()),
      idle_check_(loop, [this] { offer_queues(); }),
      sources_(
          loop, manager_,
          {.directory = directory_,
           .roots = roots_of(directory_, options.roots, filter_),
           .watcher = options.watcher,
           .poll_interval = std::chrono::milliseconds{options.poll_interval_ms}},
          [this](const WholeReport& report) {
            std::visit([this](const auto& r) { take(r); }, report);
          },
          [this](inotify::Source::QueueUse use) { prepare_queue_use(use); }),
      timer_(loop, [this] { take(TimerExpired{}); }),
      folder_(loop, directory_, [this] { take(FolderStirred{}); }),
      subscriber_(loop, options.run_directory, {bus::Topic::Proxy}, bus::Audience::TicketHandlers,
                  [this](const bus::Message& message) {
                    take(TicketSeen{std::get<bus::ProxyState>(message).asks});
                  }) {
  const bool is_restart = publisher_.last().has_value();
  take(Started{});
  manager_.ready();
  if (is_restart) return;  // the earlier watchd has given the hints
  for (const std::string& hint : hints_on_patterns(directory_, filter_)) {
    log::warning("{}", hint);
  }
}

void Daemon::dispatch(const Event& event) {
  for (const Effect& effect : tree_.on(event, std::chrono::steady_clock::now())) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
  idle_check_.start();
}

void Daemon::prepare_queue_use(inotify::Source::QueueUse use) {
  switch (use) {
    case inotify::Source::QueueUse::Reading:
      queue_server_.begin_work();
      break;
    case inotify::Source::QueueUse::OpeningOrClosing:
      queue_server_.withdraw();
      break;
  }
  idle_check_.start();
}

// The cores have handled all events of this turn, so none of them waits for a report of another.
void Daemon::offer_queues() {
  if (!tree_.is_idle()) return;
  const auto queues = sources_.idle_queues();
  if (queues) queue_server_.report_idle(bus::stamp_of(*publisher_.last()).sequence, *queues);
}

// ---- effects ------------------------------------------------------------------------------------

void Daemon::perform(const Watch& order) {
  sources_.take(order);
}

void Daemon::perform(const Unwatch& order) {
  sources_.take(order);
}

void Daemon::perform(const Sync& order) {
  sources_.take(order);
}

void Daemon::perform(const StartTimer& effect) {
  timer_.start(effect.delay);
}

void Daemon::perform(const StopTimer&) {
  timer_.stop();
}

void Daemon::perform(const Look& effect) {
  Looked looked{.folder = folder_.look(), .locks = {}, .repositories = {}};
  looked.repositories = Repositories(directory_).of_folders(effect.folders);
  looked.locks = find_git_locks(directory_, looked.repositories);
  take(std::move(looked));
}

void Daemon::perform(const AskGit& effect) {
  Sifted sifted = without_ignored(directory_, effect.files);
  take(GitAsked{.files = std::move(sifted.files), .problem = std::move(sifted.problem)});
}

void Daemon::perform(const Publish& effect) {
  bus::TreeState tree = effect.tree;
  tree.other_roots = sources_.other_roots();
  publisher_.publish(tree);
}

void Daemon::perform(const Say& effect) {
  say(effect);
}

// ---- the program --------------------------------------------------------------------------------

int run(const Options& options) {
  Loop loop;
  const OutletWatch log_watch(loop, log::outlet());
  const Signals signals(loop, {SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
  const Daemon daemon(loop, options);
  loop.run();
  return 0;
}

}  // namespace hpp::watchd
