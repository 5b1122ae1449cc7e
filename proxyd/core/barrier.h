// Pure. The freshness barrier: finds out which revision of the files a request must be answered
// with.
//
// watchd publishes a change 20 ms after the last write, or at the next look at files that are
// polled. Without a barrier, a request that arrives earlier would get an answer from the old
// backend. Therefore every request takes a *ticket*. proxyd publishes the ticket; watchd answers it
// after its source of changes (Watchman, inotify or polling) has reported every write that preceded
// it, except the youngest ones if polling is slow (TreeState::lag_ms). Only one ticket is in flight
// at a time. Requests that arrive meanwhile share the next one.
//
//   off        Requests do not wait: `--barrier off`, or no supervisor runs the backend.
//   strict     Requests wait for the answer to their ticket.
//   lost       watchd has lost its watch: Watchman was killed, or a folder cannot be read, or the
//              project folder was replaced. Requests wait, because watchd usually has a new watch
//              within 100 ms and then counts what it missed. Their tickets are published when the
//              watch is back.
//   lapsed     No answer came within the timeout, because watchd or its source hangs, or a lost
//              watch did not come back within the timeout. Requests do not wait, but each one still
//              takes a ticket. The next answer, or a new watch, makes the barrier strict again.
//   unwatched  watchd has never had a watch. Requests do not wait: there is nothing to wait for.
//
//   strict ──── no answer within the timeout ────► lapsed
//   strict ──── the watch is lost ───────────────► lost
//   lost ────── there is a new watch ────────────► strict
//   lost ────── timeout, counted from the loss ──► lapsed
//   lapsed ──── an answer, or a new watch ───────► strict
//   unwatched ─ there is a watch ────────────────► strict
//
// The barrier begins strict, because a new proxyd does not know what watchd knows. The first report
// decides. If it says that there is no watch, but names the directory of one (directory_id), watchd
// had a watch before this proxyd listened: the barrier is *lost*. Otherwise it is *unwatched*. A
// clock would not do, because watchd drops it when the project folder is gone.
//
// If watchd reports that git is writing files, all requests wait, for at most kSettlingMax.
//
// A request needs no ticket if proxyd can see for itself that nothing has changed since watchd's
// newest report (common/bus/idle.h): the queues of inotify are empty, and watchd is idle.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/bus/idle.h"
#include "common/bus/messages.h"
#include "common/time_point.h"

namespace hpp::proxyd {

// A ticket without an answer is published again after this time, because messages can get lost.
constexpr std::chrono::milliseconds kAskAgainAfter{50};
// If a deadline is noticed later than this, proxyd was stopped or got no CPU time (a stall). The
// time of a stall does not count: watchd may have answered or may have a new watch, but proxyd has
// not read that yet.
constexpr std::chrono::milliseconds kStalledAfter{20};
// If a deadline passed during a stall, how long to wait for the messages that came meanwhile.
constexpr std::chrono::milliseconds kNewsAfterStall{50};
// How much longer than the timeout to wait while git is writing. watchd stops waiting for git
// earlier; this limit is for a watchd that dies meanwhile.
constexpr std::chrono::milliseconds kSettlingMax{15'000};

class Barrier {
 public:
  struct Settings {
    bool is_on = false;
    std::chrono::milliseconds timeout{2000};
    std::uint64_t epoch = 0;  // identifies this proxyd's tickets; no other proxyd may have used it
  };

  explicit Barrier(const Settings& settings) : settings_(settings) {}

  // Called when a request arrives. `idle`: the snapshot that contains every save until now, if that
  // is known. Returns the number of the request's ticket, which is not published yet; 0: it needs
  // none.
  std::uint64_t take(TimePoint now, const std::optional<bus::IdlePoint>& idle = {});

  void on(const bus::TreeState& tree, TimePoint now);

  // Returns watchd's latest report; nothing before the first one.
  const std::optional<bus::TreeState>& tree() const { return tree_; }

  // Returns the oldest tree with which a backend may answer a request with this ticket. Nothing if
  // that is not known yet. Revision 0 of epoch 0 means that any backend may answer, because the
  // tree is not watched.
  std::optional<bus::TreePoint> needs(std::uint64_t ticket) const;

  // Returns the ticket to publish now, if one is due. Call it soon after a request or a tree has
  // arrived (the later, the more requests share a ticket), and when wake_at() has passed. The call
  // can make the barrier lapse.
  std::optional<bus::Ticket> next(TimePoint now);

  std::optional<TimePoint> wake_at() const;

  bool is_answered(std::uint64_t number) const { return settings_.is_on && number <= answered_; }

  // Whether a request has to wait until its ticket is answered: strict or lost.
  bool is_strict() const { return settings_.is_on && watch_ != Watch::NeverWas && !has_lapsed_; }

  bool has_lapsed() const { return has_lapsed_; }

 private:
  enum class Watch {  // the state of watchd's watch in its latest report
    Expected,         // there is no report yet
    Works,
    Lost,
    NeverWas,
  };

  // Whether a request is waiting for a ticket that watchd can answer now.
  bool has_waiting() const {
    return wanted_ > answered_ && (watch_ == Watch::Works || watch_ == Watch::Expected);
  }

  bool knows(const bus::IdlePoint& idle) const;
  void note_watch(const bus::TreeState& tree, TimePoint now);
  void begin_wait(TimePoint now);
  void discount_stall(TimePoint now);

  TimePoint due_at() const;
  TimePoint lapses_at() const;

  Settings settings_;
  std::optional<bus::TreeState> tree_;
  std::uint64_t wanted_ = 0;    // newest number that a request waits for
  std::uint64_t asked_ = 0;     // newest number that was published
  std::uint64_t answered_ = 0;  // newest number that was answered
  TimePoint asked_at_{};
  // Start of the current wait, for an answer or for a lost watch; a stall moves it on.
  TimePoint waiting_since_{};
  // Whether the wait was prolonged because of a stall. This happens only once per wait. Otherwise
  // requests would wait forever on a machine that is always late.
  bool is_prolonged_ = false;
  Watch watch_ = Watch::Expected;
  bool is_settling_ = false;
  bool has_lapsed_ = false;
};

}  // namespace hpp::proxyd
