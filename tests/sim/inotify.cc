#include "tests/sim/inotify.h"

#include <utility>

#include "watchd/inotify/core/queue.h"

namespace hpp::sim {

namespace inotify = watchd::inotify;

namespace {

constexpr int kWatch = 1;
constexpr std::uint64_t kReading = ~std::uint64_t{0};

}  // namespace

Inotify::Inotify(World& world, Files& files, IdleReports& idle_reports)
    : world_(world), files_(files), idle_reports_(idle_reports) {
  files_.on_change.emplace_back([this] { on_change(); });
}

// git's lock is in a folder that is not watched.
void Inotify::on_change() {
  if (std::exchange(seen_, files_.tick()) == files_.tick()) return;
  const bool matters = files_.version() == files_.tick();
  const inotify::QueueEvent event{
      .is = inotify::QueueEvent::Is::Touched,
      .watch = kWatch,
      .name = fmt::format("tick{}.{}", files_.tick(), matters ? "py" : "txt")};
  const bool overflows = !world_.is_quiet && world_.random.chance(world_.traits.overflows);
  std::erase_if(queues_, [](const auto& queue) { return queue.expired(); });
  for (const auto& queue : queues_) {
    auto& events = queue.lock()->events;
    events.push_back(event);
    if (overflows) events = {{.is = inotify::QueueEvent::Is::Overflowed}};
  }
  if (is_readable()) on_event();
}

// The manager may have lost the queue: it was stopped, or the message did not arrive.
inotify::Event Inotify::perform(const inotify::OpenQueue& effect) {
  idle_reports_.withdraw();
  const bool is_kept = kept_ && kept_->token == effect.token && !world_.random.chance(0.1);
  if (!is_kept) {
    kept_ = std::make_shared<KernelQueue>(
        KernelQueue{.token = fmt::format("{:016x}", world_.random.next())});
    queues_.push_back(kept_);
  }
  queue_ = kept_;
  return inotify::QueueOpened{
      .token = queue_->token, .is_kept = is_kept, .position = queue_->position};
}

void Inotify::perform(const inotify::CloseQueue&) {
  idle_reports_.withdraw();
  queue_.reset();
  kept_.reset();
}

inotify::Event Inotify::perform(const inotify::OpenDirectory&) {
  read_ = files_.tick();
  return inotify::DirectoryOpened{.watch = kWatch};
}

inotify::Event Inotify::perform(const inotify::ReadQueue&) {
  idle_reports_.begin_work();
  queue_->position = kReading;
  read_ = files_.tick();
  const auto events = std::exchange(queue_->events, {});
  return inotify::QueueRead{{events.begin(), events.end()}};
}

void Inotify::perform(const inotify::KeepPosition& effect) {
  queue_->position = effect.position;
}

inotify::Event Inotify::perform(const inotify::Examine& effect) {
  return inotify::Examined{std::vector<inotify::Examined::Result>(
      effect.names.size(), {.is = inotify::Directories::Kind::File})};
}

void Inotify::note_report(const std::string& clock) {
  ticks_[clock] = read_;
}

std::uint64_t Inotify::tick_of(const std::string& clock) const {
  const auto found = ticks_.find(clock);
  return found == ticks_.end() ? 0 : found->second;
}

}  // namespace hpp::sim
