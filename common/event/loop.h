// Owns the libevent base of a program: one loop, one thread.
//
// Only common/event/*.cc sees libevent. Every wrapper here holds one kind of thing, starts in its
// constructor or with start(), and lets go in its destructor. Callbacks are std::functions called
// from noexcept trampolines: an exception that reaches one ends the program, which is what a
// helper that may crash and be restarted should do with a bug.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

struct event;
struct event_base;

namespace hpp {

using TimePoint = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

// Deletes a libevent event; it is removed from its loop first.
struct EventDeleter {
  void operator()(event* e) const;
};

using EventPtr = std::unique_ptr<event, EventDeleter>;

class Reactivation;

class Loop {
 public:
  // Coarse timers cost nothing and may be late by the kernel's tick, 4 ms at 250 Hz. Precise ones
  // are good to 0.1 ms, for two system calls more a turn.
  enum class Timers { Coarse, Precise };

  // Throws std::runtime_error if the kernel gives no epoll.
  explicit Loop(Timers timers = Timers::Coarse);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop().
  void run();

  // The same for a loop on whose answers somebody waits: before it sleeps it looks again for a few
  // microseconds, as long as that pays, because it costs more to be woken. It pays where thousands
  // of messages a second come and go; otherwise this is run().
  void run_eagerly();

  // Something came of what a callback was told: for run_eagerly.
  void note_activity() {
    if (activity_++ == before_sleep_) woken_at_ = std::chrono::steady_clock::now();
  }

  // Makes run() return after the current callback; before it has begun, at once.
  void stop();

  // Calls `action` once, after the callbacks that are due in this turn: the place to destroy what
  // is still on the stack, and to do once what several callbacks of one turn asked for.
  void later(std::function<void()> action);

  // Whether later() or bury() has something to do yet.
  bool has_later() const { return !later_.empty(); }

  // Calls `action` once, as soon as nothing is ready that was not there before; within kBusyMax
  // where there always is something. For what serves the more the later it is done.
  void when_idle(std::function<void()> action);
  static constexpr Milliseconds kBusyMax{5};

  // When something is to be done again: in the next turn, when the loop has looked at all that is
  // ready, for work that would go on for long; or within kSoon, for what is rarely needed.
  enum class Again { NextTurn, Soon };
  static constexpr Milliseconds kSoon{20};

  // Destroys `object` at the end of the turn: nothing dies inside its own callback.
  template <class T>
  void bury(std::unique_ptr<T> object) {
    later([grave = std::shared_ptr<T>(std::move(object))] {});
  }

  event_base* base() { return base_; }

 private:
  friend class Reactivation;

  bool look_again();

  // Events that one timer makes active together.
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
  std::uint64_t before_sleep_ = 0;  // activity_ when the loop last went to sleep, or tried to
  TimePoint woken_at_{};            // when the first came after that
  EventPtr later_event_;
  std::vector<std::function<void()>> later_;
  EventPtr idle_event_;
  EventPtr busy_timer_;  // for the same actions
  std::vector<std::function<void()>> when_idle_;
  Batch next_turn_;
  Batch soon_;
};

// Makes one event active (EV_TIMEOUT) later. The event is in one batch at most, and leaves it when
// it is made active or when this is destroyed. So no batch holds an event that has been freed.
class Reactivation {
 public:
  // `loop` and `e` must outlive it.
  Reactivation(Loop& loop, event* e) : loop_(loop), event_(e) {}

  ~Reactivation() { cancel(); }

  Reactivation(const Reactivation&) = delete;
  Reactivation& operator=(const Reactivation&) = delete;

  // Once per call. NextTurn takes the place of Soon, and not the other way round.
  void start(Loop::Again when);
  void cancel();

 private:
  friend class Loop;

  Loop& loop_;
  event* event_;
  std::optional<Loop::Again> when_;  // nothing: it is in no batch
};

}  // namespace hpp
