#include "tests/sim/standby.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace hpp::sim {
namespace {

constexpr const char* kClockStart = "i:1:";

}  // namespace

Standby::Standby(World& world, Files& files) : world_(world), files_(files) {
  files_.on_change.emplace_back([this] { on_change(); });
}

void Standby::take(const watchd::Order& order) {
  std::visit([this](const auto& o) { handle(o); }, order);
}

void Standby::handle(const watchd::Watch& order) {
  ++watch_;
  has_begun_ = false;
  after(world_.random.up_to(50ms), [this, since = order.since] { begin(since); });
}

void Standby::handle(const watchd::Unwatch&) {
  ++watch_;
  has_begun_ = false;
}

// inotify's queue is read at once. Reading all directories takes longer, and may find later saves.
// watchd may die while it handles a report.
void Standby::handle(const watchd::Sync&) {
  const Micros takes = world_.random.chance(0.8) ? Micros{0} : world_.random.up_to(30ms);
  after(takes, [this, watch = watch_] {
    if (!world_.is_quiet && world_.random.chance(world_.traits.flush_errors)) {
      return on_report(watchd::SyncFailed{.why = "the files could not be read"});
    }
    if (world_.broken != Break::Standby) report_saves();
    if (watch == watch_) on_report(watchd::Synced{});
  });
}

void Standby::on_change() {
  if (!has_begun_) return;
  after(kSettle, [this, settling = ++settling_] {
    if (settling == settling_) report_saves();
  });
}

// Continues after the clock of an earlier watch, unless the kernel's queue has overflowed.
void Standby::begin(const std::string& since) {
  if (!world_.is_quiet && world_.random.chance(world_.traits.flush_errors)) {
    ++watch_;
    return on_report(watchd::Lost{.why = "too many watches", .clock = since});
  }
  has_begun_ = true;
  const std::uint64_t watch = watch_;
  const std::uint64_t now = files_.tick();
  if (since.empty()) {
    told_ = now;
    on_report(watchd::Began{.clock = clock(), .files = {}});
  } else if (since.starts_with(kClockStart) && world_.random.chance(0.7)) {
    told_ = std::stoull(since.substr(std::char_traits<char>::length(kClockStart)));
    report_saves();
  } else {
    told_ = now;
    on_report(watchd::Changed{.clock = clock(), .files = {}, .lost_track = "an overflow"});
  }
  if (watch != watch_) return;
  after(world_.random.up_to(5ms), [this] { on_report(watchd::Watching{}); });
}

void Standby::report_saves() {
  const std::uint64_t version = files_.version();
  watchd::Changed changed;
  if (version > told_) changed.files.push_back({.name = fmt::format("src/tick{}.py", version)});
  told_ = std::max(told_, files_.tick());
  changed.clock = clock();
  on_report(changed);
}

void Standby::after(Micros delay, std::function<void()> act) {
  if (delay == Micros{0}) return act();
  world_.after(delay, [this, act = std::move(act), watch = watch_] {
    if (watch == watch_) act();
  });
}

std::string Standby::clock() const {
  return fmt::format("{}{}", kClockStart, told_);
}

}  // namespace hpp::sim
