#include "ctl/commands.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "common/bus/endpoints.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/error.h"
#include "common/os/file.h"
#include "common/os/same_file.h"
#include "ctl/clock_time.h"
#include "ctl/core/failure.h"
#include "ctl/core/log_view.h"
#include "ctl/end_watch.h"
#include "ctl/print.h"
#include "ctl/snapshots.h"

namespace hpp::ctl {
namespace {

const bus::AuthorId kAuthor = bus::Topic::Backend;

// Reads the output log while supervisord writes it, and replaces the file when it is full. Output
// is passed over only if both files are replaced between two calls of read().
class LogReader {
 public:
  explicit LogReader(const std::string& run_directory)
      : path_(run_directory + '/' + bus::output_log_name(kAuthor)),
        old_path_(run_directory + '/' + bus::old_output_log_name(kAuthor)) {}

  // Returns what was written since the last call. Nothing: there is no log.
  std::optional<std::string> read() {
    UniqueFd newest = open(path_);
    const UniqueFd old = open(old_path_);
    if (!newest.is_open() && !old.is_open() && !file_.is_open()) return std::nullopt;
    std::string text = rest_of(file_);
    if (!newest.is_open() || is_same_file(newest.get(), file_.get())) return text;
    // The file may have become the old one after `newest` was opened.
    if (!is_same_file(old.get(), file_.get()) && !is_same_file(old.get(), newest.get()))
      text += rest_of(old);
    file_ = std::move(newest);
    return text + rest_of(file_);
  }

 private:
  static UniqueFd open(const std::string& path) {
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  }

  static std::string rest_of(const UniqueFd& file) {
    return file.is_open() ? read_all(file.get()).value_or("") : "";
  }

  std::string path_;
  std::string old_path_;
  UniqueFd file_;  // the newest one at the last call
};

// Becomes readable when a file of the run directory is written or created.
UniqueFd watch_directory(const std::string& run_directory) {
  UniqueFd queue(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!queue.is_open() ||
      ::inotify_add_watch(queue.get(), run_directory.c_str(), IN_MODIFY | IN_CREATE) < 0) {
    throw_errno("cannot follow the output log with inotify (see the sysctls fs.inotify.*)");
  }
  return queue;
}

// The time of the save, or of another event, that caused the last restart; 0 if there was none.
std::int64_t last_cause_ms(const Instance& instance) {
  const Snapshots snapshots = read_snapshots(instance.run_directory);
  return snapshots.backend ? snapshots.backend->cause.at_ms : 0;
}

}  // namespace

int log(const Instance& instance, const CtlOptions& options) {
  const LogSelection selection{.generation = options.generation,
                               .since_ms = options.since_save ? last_cause_ms(instance) : 0};
  const auto format = options.json ? LogView::Format::Json : LogView::Format::Text;
  LogView view(selection, format, clock_time);
  LogReader reader(instance.run_directory);
  std::size_t lines_max = options.lines != 0 ? options.lines : SIZE_MAX;
  const auto print_news = [&] {
    const auto news = reader.read();
    if (!news) {
      throw Failure(CommandStatus::TryAgain,
                    fmt::format("{} has no output log. hpp-supervisord may not have started yet, "
                                "or it is of an earlier version of hpp",
                                instance.run_directory));
    }
    const std::string shown = view.take(*news);
    const std::string text(last_lines(shown, std::exchange(lines_max, SIZE_MAX)));
    if (text.empty()) return true;
    return options.json ? print_json(text) : print_text(stdout, text);
  };
  if (!options.follow) return print_news() ? 0 : 1;
  Loop loop;
  const UniqueFd queue = watch_directory(instance.run_directory);
  const EndWatch end(loop, instance);
  FdWatch news(loop, queue.get(), FdWatch::For::Reading, [&] {
    read_all(queue.get());
    if (!print_news()) loop.stop();
  });
  news.start();
  if (!print_news()) return 0;
  loop.run();
  print_news();  // what hpp said at its end
  return 0;
}

}  // namespace hpp::ctl
