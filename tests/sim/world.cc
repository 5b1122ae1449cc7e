#include "tests/sim/world.h"

#include <algorithm>

namespace hpp::sim {
namespace {

// A schedule has a few hundred events. With this many, the cores are in an endless loop.
constexpr std::uint64_t kEventsMax = 50'000;

}  // namespace

void World::at(TimePoint when, std::function<void()> happens) {
  queue_.push_back({std::max(when, now_), ++planned_, std::move(happens)});
  std::push_heap(queue_.begin(), queue_.end());
}

void World::run_until(TimePoint end) {
  while (!queue_.empty() && queue_.front().when <= end) {
    std::pop_heap(queue_.begin(), queue_.end());
    const Planned next = std::move(queue_.back());
    queue_.pop_back();
    now_ = next.when;
    if (++events_ > kEventsMax) violated("the world does not come to rest");
    next.happens();
  }
  now_ = end;
}

void World::write(const std::string& text) {
  const auto since = std::chrono::duration_cast<Micros>(now_ - TimePoint{1h}).count();
  sink_(fmt::format("{:>6}.{:03} ms  {}", since / 1000, since % 1000, text));
}

void World::violate(const std::string& text) {
  trace("VIOLATED: {}", text);
  const auto since = std::chrono::duration_cast<Micros>(now_ - TimePoint{1h}).count();
  throw Violation(fmt::format("at {}.{:03} ms: {}", since / 1000, since % 1000, text));
}

}  // namespace hpp::sim
