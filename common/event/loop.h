// Owns the libevent base of a program: one loop, one thread.
//
// Only common/event/*.cc uses libevent. Each wrapper here owns one resource, starts in its
// constructor or with start(), and stops in its destructor. Callbacks are std::functions, called
// from noexcept functions, so an uncaught exception ends the program. That is the right reaction to
// a bug, because the helpers are restarted after a crash.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/time_point.h"

struct event;
struct event_base;

namespace hpp {

using Milliseconds = std::chrono::milliseconds;

// Removes a libevent event from its loop, and frees it.
struct EventDeleter {
  void operator()(event* e) const;
};

using EventPtr = std::unique_ptr<event, EventDeleter>;

class Reactivation;

class Loop {
 public:
  // Coarse timers cost no system calls, but may be late by one tick of the kernel: 4 ms at 250 Hz.
  // Precise timers are accurate to 0.1 ms, but cost two more system calls per turn.
  enum class Timers { Coarse, Precise };

  // Throws std::runtime_error if the kernel refuses to create an epoll instance.
  explicit Loop(Timers timers = Timers::Coarse);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop().
  void run();

  // Like run(), but polls for a few microseconds before it sleeps, because a wake-up takes longer.
  // Use it if other programs wait for the answers of this loop. It polls only while that helps,
  // which is the case at thousands of messages per second.
  void run_eagerly();

  // Must be called by a callback that has handled an event, for run_eagerly().
  void note_activity() {
    if (activity_++ == before_sleep_) woken_at_ = std::chrono::steady_clock::now();
  }

  // Makes run() return after the current callback, or at once if run() has not begun yet.
  void stop();

  // Calls `action` once, after the callbacks that are due in this turn. Use it to destroy an object
  // whose method is still running, or to do once what several callbacks of one turn request.
  void later(std::function<void()> action);

  // Whether later() or bury() has an action that has not run yet.
  bool has_later() const { return !later_.empty(); }

  // Calls `action` once, as soon as no other event is ready, but after kBusyMax at the latest. Use
  // it for an action that serves more requests at once the later it runs.
  void when_idle(std::function<void()> action);
  static constexpr Milliseconds kBusyMax{5};

  // When to make an event active again. NextTurn: after the loop has polled all descriptors, for
  // work that would take long. Soon: after kSoon, for work that is rarely needed.
  enum class Again { NextTurn, Soon };
  static constexpr Milliseconds kSoon{20};

  // Destroys `object` at the end of the turn, so that no object is destroyed in its own callback.
  template <class T>
  void bury(std::unique_ptr<T> object) {
    later([grave = std::shared_ptr<T>(std::move(object))] {});
  }

  event_base* base() { return base_; }

 private:
  friend class Reactivation;

  bool look_again();

  // Events that one timer makes active at the same time.
  struct Batch {
    EventPtr timer;
    std::vector<Reactivation*> waiting;
  };

  Batch& batch(Again when) { return when == Again::NextTurn ? next_turn_ : soon_; }

  static void on_later(int, short, void* self) noexcept;
  static void on_idle(int, short, void* self) noexcept;
  static void on_batch(int, short, void* batch) noexcept;

  event_base* base_;
  bool is_stopped_ = false;
  std::uint64_t activity_ = 0;
  std::uint64_t before_sleep_ = 0;  // activity_ before the loop last waited for events
  TimePoint woken_at_{};            // the time of the first activity after that
  EventPtr later_event_;
  std::vector<std::function<void()>> later_;
  EventPtr idle_event_;
  EventPtr busy_timer_;  // runs when_idle_ after kBusyMax
  std::vector<std::function<void()>> when_idle_;
  Batch next_turn_;
  Batch soon_;
};

// Makes one event active (EV_TIMEOUT) later. The event is in at most one batch. It leaves the batch
// when it becomes active or when the Reactivation is destroyed, so no batch has a freed event.
class Reactivation {
 public:
  // `loop` and `e` must outlive the Reactivation.
  Reactivation(Loop& loop, event* e) : loop_(loop), event_(e) {}

  ~Reactivation() { cancel(); }

  Reactivation(const Reactivation&) = delete;
  Reactivation& operator=(const Reactivation&) = delete;

  // Makes the event active once. NextTurn replaces an earlier Soon, but Soon does not replace an
  // earlier NextTurn.
  void start(Loop::Again when);
  void cancel();

 private:
  friend class Loop;

  Loop& loop_;
  event* event_;
  std::optional<Loop::Again> when_;  // nothing: the event is in no batch
};

}  // namespace hpp
