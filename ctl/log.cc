#include "ctl/commands.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

#include "common/bus/endpoints.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/error.h"
#include "common/os/file.h"
#include "ctl/clock_time.h"
#include "ctl/core/log_view.h"
#include "ctl/end_watch.h"
#include "ctl/print.h"
#include "ctl/snapshots.h"

namespace hpp::ctl {
namespace {

const bus::AuthorId kAuthor = bus::Topic::Backend;

bool is_same_file(int one, int other) {
  struct stat first {};

  struct stat second {};

  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// Reads the output log while supervisord writes it, and replaces the file when it is full.
class LogReader {
 public:
  explicit LogReader(const std::string& run_directory)
      : path_(run_directory + '/' + bus::output_log_name(kAuthor)), file_(open(path_)) {
    old_ = open(run_directory + '/' + bus::old_output_log_name(kAuthor));
    // The file may have become the old one in between.
    if (old_.is_open() && file_.is_open() && is_same_file(old_.get(), file_.get())) file_.reset();
  }

  bool has_log() const { return file_.is_open() || old_.is_open(); }

  // Returns what was written since the last call.
  std::string read() {
    std::string text;
    for (UniqueFd* const file : {&old_, &file_}) {
      if (file->is_open()) text += read_all(file->get()).value_or("");
    }
    old_.reset();
    UniqueFd newest = open(path_);
    if (!newest.is_open()) return text;
    if (file_.is_open()) {
      if (is_same_file(newest.get(), file_.get())) return text;
      text += read_all(file_.get()).value_or("");  // what came before the replacement
    }
    file_ = std::move(newest);
    return text + read_all(file_.get()).value_or("");
  }

 private:
  static UniqueFd open(const std::string& path) {
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  }

  std::string path_;
  UniqueFd file_;
  UniqueFd old_;  // open until it has been read
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
  if (!reader.has_log()) {
    throw std::runtime_error(
        fmt::format("{} has no output log. hpp-supervisord may not have started yet, or it is of "
                    "an earlier version of hpp",
                    instance.run_directory));
  }
  const auto print_news = [&] {
    const std::string text = view.take(reader.read());
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
