#include "ctl/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "common/bus/output_log_reader.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/file.h"
#include "ctl/clock_time.h"
#include "ctl/core/failure.h"
#include "ctl/core/log_view.h"
#include "ctl/end_watch.h"
#include "ctl/log_watch.h"
#include "ctl/print.h"
#include "ctl/snapshots.h"

namespace hpp::ctl {
namespace {

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
  bus::OutputLogReader reader(instance.run_directory, bus::Topic::Backend);
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
  const UniqueFd queue = watch_log(instance.run_directory);
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
