// Pure. The freshness barrier: learns for each request that arrives how the files stood then.
//
// Watchman tells of a change only when the files have been quiet for a while (20 ms). A request
// that comes sooner would be answered by old code. So each takes a *ticket*: a question that is
// published after the request has come, and that watchd answers when Watchman has told it all that
// was saved before the question. One ticket is under way at a time; the next one serves all who
// have come meanwhile.
//
//   off      Requests wait for no answer (`--barrier off`, or nobody supervises the backend).
//   strict   They wait.
//   lapsed   For longer than the timeout no answer came: watchd or Watchman is gone or hangs. They
//            do not wait, until the next answer comes. It is asked for with each request.
//
// While watchd says that it does not watch, nobody waits either. While it says that git is writing
// the files, everybody waits, for kSettlingMax at most.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/bus/messages.h"

namespace hpp::proxyd {

using TimePoint = std::chrono::steady_clock::time_point;

// After so long a ticket is taken for lost, as messages may be, and another one is published.
constexpr std::chrono::milliseconds kAskAgainAfter{50};
// How much longer than the timeout to wait while git is writing. watchd gives up waiting for git
// before that; this is for a watchd that dies meanwhile.
constexpr std::chrono::milliseconds kSettlingMax{15'000};

class Barrier {
 public:
  struct Settings {
    bool is_on = false;
    std::chrono::milliseconds timeout{2000};
    std::uint64_t epoch = 0;  // of the tickets: no other proxyd may ever have used it
  };

  explicit Barrier(const Settings& settings) : settings_(settings) {}

  // A request has come: the number of the ticket that it needs, which is not published yet.
  std::uint64_t take(TimePoint now);

  void on(const bus::TreeState& tree, TimePoint now);

  // The ticket to publish now, if one is due. To be asked soon after a request or a tree came (the
  // later, the more requests share a ticket), and when wake_at() has passed; it may lapse by that.
  std::optional<bus::Ticket> next(TimePoint now);

  std::optional<TimePoint> wake_at() const;

  bool is_answered(std::uint64_t number) const { return settings_.is_on && number <= answered_; }

  // Whether a request has to wait until its ticket is answered.
  bool is_strict() const { return settings_.is_on && is_watching_ && !has_lapsed_; }

  bool has_lapsed() const { return has_lapsed_; }

 private:
  bool has_waiting() const { return wanted_ > answered_ && is_watching_; }

  TimePoint lapses_at() const;

  Settings settings_;
  std::uint64_t wanted_ = 0;    // newest number that a request waits for
  std::uint64_t asked_ = 0;     // newest number that was published
  std::uint64_t answered_ = 0;  // newest number that was answered
  TimePoint asked_at_{};
  TimePoint waiting_since_{};  // for an answer to any ticket
  bool is_watching_ = true;    // until watchd says otherwise
  bool is_settling_ = false;
  bool has_lapsed_ = false;
};

}  // namespace hpp::proxyd
