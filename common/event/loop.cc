#include "common/event/loop.h"

#include <event2/event.h>

#include <stdexcept>
#include <utility>

#include "common/event/memory.h"

namespace hpp {

void EventDeleter::operator()(event* e) const {
  event_free(e);
}

namespace {

// How long to poll before sleeping, and the longest sleep after which polling is tried again.
constexpr std::chrono::microseconds kLookFor{20};
constexpr std::chrono::microseconds kShortSleep{50};
// If more events than this came at once, the loop does not poll: more will have come by the next
// turn, and handling them one by one would cost both sides a wake-up for each.
constexpr std::uint64_t kFew = 1;

// libevent runs events with a larger number only if no event with a smaller number is ready. An
// event has the middle number by default.
constexpr int kPriorities = 3;
constexpr int kIdlePriority = 2;

void add_timer(event* e, Milliseconds delay) {
  const timeval after{.tv_sec = 0, .tv_usec = std::chrono::microseconds(delay).count()};
  event_add(e, &after);
}

event_base* make_base(Loop::Timers timers) {
  abort_without_memory();
  const std::unique_ptr<event_config, decltype(&event_config_free)> config(event_config_new(),
                                                                           &event_config_free);
  if (!config) return nullptr;
  if (timers == Loop::Timers::Precise) {
    event_config_set_flag(config.get(), EVENT_BASE_FLAG_PRECISE_TIMER);
  }
  return event_base_new_with_config(config.get());
}

}  // namespace

Loop::Loop(Timers timers) : base_(make_base(timers)) {
  if (base_ == nullptr) throw std::runtime_error("cannot make an event loop");
  event_base_priority_init(base_, kPriorities);
  later_event_.reset(event_new(base_, -1, 0, &Loop::on_later, this));
  idle_event_.reset(event_new(base_, -1, 0, &Loop::on_idle, this));
  event_priority_set(idle_event_.get(), kIdlePriority);
  busy_timer_.reset(event_new(base_, -1, 0, &Loop::on_idle, this));
  for (Batch* const b : {&next_turn_, &soon_}) {
    b->timer.reset(event_new(base_, -1, 0, &Loop::on_batch, b));
  }
}

Loop::~Loop() {
  // Objects buried in the last turn may still use the base, so they are destroyed first.
  while (!later_.empty()) std::exchange(later_, {});
  later_event_.reset();
  idle_event_.reset();
  busy_timer_.reset();
  next_turn_.timer.reset();
  soon_.timer.reset();
  event_base_free(base_);
}

void Loop::run() {
  if (!is_stopped_) event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY);
  is_stopped_ = false;
}

void Loop::run_eagerly() {
  constexpr int kVainMax = 3;
  int in_vain = kVainMax;  // polls in a row without a result; at kVainMax, polling stops
  while (!is_stopped_) {
    const TimePoint asleep_at = std::chrono::steady_clock::now();
    before_sleep_ = activity_;
    event_base_loop(base_, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
    const bool is_busy = activity_ - before_sleep_ > kFew;
    if (in_vain < kVainMax && !is_busy) {
      in_vain = look_again() ? 0 : in_vain + 1;
    } else if (activity_ != before_sleep_ && woken_at_ - asleep_at < kShortSleep) {
      in_vain = 0;
    }
  }
  is_stopped_ = false;
}

// Polls until nothing has come for kLookFor. Returns whether anything came.
bool Loop::look_again() {
  const std::uint64_t before = activity_;
  std::uint64_t seen = before;
  TimePoint until = std::chrono::steady_clock::now() + kLookFor;
  while (!is_stopped_ && std::chrono::steady_clock::now() < until) {
    event_base_loop(base_, EVLOOP_NONBLOCK | EVLOOP_NO_EXIT_ON_EMPTY);
    if (std::exchange(seen, activity_) == activity_) continue;
    until = std::chrono::steady_clock::now() + kLookFor;
  }
  return activity_ != before;
}

void Loop::stop() {
  is_stopped_ = true;
  event_base_loopbreak(base_);
}

void Loop::later(std::function<void()> action) {
  // libevent appends an event that is made active to the queue that it is processing, so this event
  // runs after all events that were due before.
  if (later_.empty()) event_active(later_event_.get(), 0, 0);
  later_.push_back(std::move(action));
}

void Loop::on_later(int, short, void* self) noexcept {
  const auto due = std::exchange(static_cast<Loop*>(self)->later_, {});
  for (const auto& action : due) action();
}

void Loop::when_idle(std::function<void()> action) {
  if (when_idle_.empty()) {
    event_active(idle_event_.get(), 0, 0);
    add_timer(busy_timer_.get(), kBusyMax);
  }
  when_idle_.push_back(std::move(action));
}

void Loop::on_idle(int, short, void* self) noexcept {
  auto& loop = *static_cast<Loop*>(self);
  event_del(loop.idle_event_.get());
  event_del(loop.busy_timer_.get());
  const auto due = std::exchange(loop.when_idle_, {});
  for (const auto& action : due) action();
}

void Loop::on_batch(int, short, void* batch) noexcept {
  for (Reactivation* const one : std::exchange(static_cast<Batch*>(batch)->waiting, {})) {
    // Reset before the callbacks run: an earlier callback may start() this Reactivation again.
    one->when_.reset();
    event_active(one->event_, EV_TIMEOUT, 0);
  }
}

// ---- Reactivation -------------------------------------------------------------------------------

void Reactivation::start(Loop::Again when) {
  if (when_ == when || when_ == Loop::Again::NextTurn) return;
  cancel();
  when_ = when;
  // With a delay of 0, libevent still polls the descriptors before it runs the timer.
  const Milliseconds delay = when == Loop::Again::NextTurn ? Milliseconds{0} : Loop::kSoon;
  Loop::Batch& batch = loop_.batch(when);
  if (batch.waiting.empty()) add_timer(batch.timer.get(), delay);
  batch.waiting.push_back(this);
}

void Reactivation::cancel() {
  if (when_) std::erase(loop_.batch(*when_).waiting, this);
  when_.reset();
}

}  // namespace hpp
