#include "ctl/snapshots.h"

#include "common/bus/endpoints.h"
#include "common/bus/subscriber.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/file.h"

namespace hpp::ctl {
namespace {

// An author sends its snapshot to each new subscriber at once, and a helper that is restarted after
// a crash needs about 20 ms. An author that sends nothing within this time is stopped or very busy.
constexpr Milliseconds kSnapshotPatience{1000};

constexpr bus::Topic kTopics[] = {bus::Topic::Tree, bus::Topic::Backend, bus::Topic::Proxy};

bool are_complete(const Snapshots& snapshots) {
  for (const bus::Topic topic : kTopics) {
    if (!snapshots.has(topic)) return false;
  }
  return true;
}

Snapshots ask_authors(const std::string& run_directory) {
  Loop loop;
  Snapshots snapshots;
  Timer patience(loop, [&loop] { loop.stop(); });
  patience.start(kSnapshotPatience);
  const bus::Subscriber subscriber(loop, run_directory,
                                   {bus::Topic::Tree, bus::Topic::Backend, bus::Topic::Proxy},
                                   bus::Audience::Everybody, [&](const bus::Message& message) {
                                     snapshots.take(message);
                                     if (are_complete(snapshots)) loop.stop();
                                   });
  loop.run();
  return snapshots;
}

void read_files(const std::string& run_directory, Snapshots& snapshots) {
  for (const bus::Topic topic : kTopics) {
    if (snapshots.has(topic)) continue;
    snapshots.silent.emplace_back(bus::helper_of(topic));
    const auto text = read_file(bus::snapshot_path(run_directory, topic));
    const bus::Decoded decoded = bus::decode(text.value_or(""));
    if (const auto* const message = std::get_if<bus::Message>(&decoded)) snapshots.take(*message);
  }
}

}  // namespace

Snapshots read_snapshots(const std::string& run_directory) {
  Snapshots snapshots = ask_authors(run_directory);
  read_files(run_directory, snapshots);
  return snapshots;
}

}  // namespace hpp::ctl
