#include "supervisord/sight_report.h"

#include <chrono>
#include <utility>

namespace hpp::supervisord {
namespace {

// A server that answers sooner needs no explanation.
constexpr std::chrono::milliseconds kSightEvery{500};

}  // namespace

SightReport::SightReport(Loop& loop, OnSight on_sight, OnSight on_late)
    : on_sight_(std::move(on_sight)),
      next_(loop, [this] { report(); }),
      late_(loop, [this, on_late = std::move(on_late)] { on_late(sight_); }) {}

void SightReport::start(bool may_be_late) {
  stop();
  sight_ = reported_ = Sight{};
  next_.start(kSightEvery);
  if (may_be_late) late_.start(kLate);
}

void SightReport::stop() {
  next_.stop();
  late_.stop();
}

void SightReport::report() {
  next_.start(kSightEvery);
  if (sight_ == reported_) return;
  reported_ = sight_;
  on_sight_(sight_);
}

}  // namespace hpp::supervisord
