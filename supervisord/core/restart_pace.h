// Pure. The restart back-off: decides how long the next start waits if restarts follow each other
// faster than the server can start, and finds out whether the server restarts itself.
//
// ---- steady writes ----
//
// A tool may write files one after another for seconds. The first change during a start restarts
// the server at once. After each further interrupted start in a row, the next start waits until no
// file has changed for a quiet time, which doubles each time. The total wait is limited to
// kQuietTotalMax.
//
// If the user has set a settling time (--settle), the start after each change waits until no file
// has changed for that time, for at most kSettleMax times as long in total.
//
// ---- a restart loop ----
//
// A server, or its build, that writes a watched file whenever it starts restarts itself without
// end. The kernel reports the writer of a file only to root (fanotify(7)), and a person or a script
// that saves often causes the same events. Therefore hpp makes experiments.
//
// There is a suspicion if changes of the same file, or in the same folder, have ended several
// starts in a row, each after about the same time. Then the next start is an experiment with three
// parts:
//
//   - The start is delayed for longer than the file has taken to change. A writer that does not
//     depend on the server would write the file now, while no server runs.
//   - Running is not published until that time has passed since the start, even if the server
//     answers earlier. Requests are held until then, so no write can be a reaction to an answer.
//   - Error is not published until that time has passed since the start, and kNoticeMax since the
//     failure. So no write can be a reaction to a failure, and what the server wrote before its end
//     is known. (The server's output is not held back, and a script may read it. But that script
//     would have to be that quick kLoopProofs times in a row.)
//
// The experiment has one of four results:
//
//   - The file changes after the start, before the result is published. That is a proof. After
//     kLoopProofs proofs in a row it is a loop: hpp names the file, and the pauses grow.
//   - The file changes in the pause. Another program writes it, and the suspicion is dropped.
//   - The file does not change before Running is published. The writes may be reactions to an
//     answer: by a person, by a script, or by the server when a browser reloads the page. Then
//     starts are not delayed. But if the series reaches twice as many restarts, hpp gives advice
//     once, because a person cannot keep so regular a rhythm for so long. A start that fails ends
//     the series, because the change that follows is no reaction to an answer.
//   - The file does not change before Error is published. No server runs any more, so another
//     program writes it, such as a coding agent that edits the file after each failure. The
//     suspicion is dropped.
//
// The time of a write would be a simpler criterion: after the end of the server, only other
// programs write. But the kernel notes it by a clock that ticks every 4 ms, and an agent may react
// sooner than that.
//
// Each wrong suspicion doubles the number of restarts that the next one takes.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisord/core/events.h"

namespace hpp::supervisord {

// The quiet time after the second interrupted start, and the limit up to which it doubles after
// each further one. kQuietTotalMax limits the wait from the first change on.
constexpr std::chrono::milliseconds kQuietMin{100};
constexpr std::chrono::milliseconds kQuietMax{2'000};
constexpr std::chrono::milliseconds kQuietTotalMax{5'000};

constexpr int kSettleMax = 20;

// The number of restarts in a row, caused by the same file, that raise the first suspicion. The
// number doubles with each wrong suspicion, up to kSuspectRestartsMax.
constexpr int kSuspectRestarts = 4;
constexpr int kSuspectRestartsMax = 256;

// A change can belong to a loop only if it comes within this time after the first answer. The limit
// after a crash is shorter: Watchman reports the server's last writes soon, and a person needs
// longer to save.
constexpr std::chrono::milliseconds kAfterAnswer{2'000};
constexpr std::chrono::milliseconds kAfterCrash{300};

// There is no suspicion if the changes come later than this after the start, because an experiment
// would hold requests for longer than the loop does.
constexpr std::chrono::milliseconds kSuspectTimeMax{10'000};

constexpr int kLoopProofs = 2;

// The pause before a start during a suspicion, after 0, 1, 2, and 3 or more proofs.
constexpr std::array<std::chrono::milliseconds, 4> kLoopPauses{
    std::chrono::milliseconds{500}, std::chrono::milliseconds{1'000},
    std::chrono::milliseconds{2'000}, std::chrono::milliseconds{5'000}};

// Watchman may report a write of the old server up to this time after the server has ended.
constexpr std::chrono::milliseconds kNoticeMax{200};

struct Pause {
  enum class For {
    Nothing,     // no pause: the start is not delayed
    Quiet,       // wait until no file has changed for `length`
    Settle,      // wait like that because of --settle
    Experiment,  // a restart loop is suspected
    Loop,        // a restart loop is proved
    Advice,      // no pause, but hpp should report that the files change after each answer
  };

  For is = For::Nothing;
  std::chrono::milliseconds length{};
  // The next members are set for Experiment, Loop and Advice.
  // The files that changed each time. If there are none, the folders in which some file changed
  // each time, with a trailing slash.
  std::vector<std::string> files;
  int restarts = 0;                  // the number of restarts in a row that these changes caused
  std::chrono::milliseconds time{};  // the longest time from a start to such a change

  bool operator==(const Pause&) const = default;
};

class RestartPace {
 public:
  // `settle` is the settling time; 0: none.
  explicit RestartPace(std::chrono::milliseconds settle = {}) : settle_(settle) {}

  // Files changed. To be called for the first change during or after a start, and for each change
  // while the next start waits.
  void on_change(const std::vector<std::string>& files, TimePoint now);

  // The user requested a restart.
  void on_request();

  // The next start is about to begin, and the old server is gone. Returns how long the start must
  // wait.
  Pause begin_pause(TimePoint now);

  // Returns how long the start must wait from now on. To be called after a change in the pause.
  Pause pause(TimePoint now) const;

  // The build is being started, or the server if there is nothing to build.
  void on_start(TimePoint now);

  // The server answers. Returns how long Running must be held back.
  std::chrono::milliseconds on_answer(TimePoint now);

  // The server, or its build, has failed. Returns how long the failure must be held back.
  std::chrono::milliseconds on_failure(TimePoint now);

  // The time that on_answer() or on_failure() returned has passed, and no file has changed.
  void on_hold_over(TimePoint now);

 private:
  enum class Phase {
    Idle,      // no start yet
    Paused,    // no start since the last change
    Starting,  // the build or the server starts, or its answer or failure is held back
    Running,
    Failed,  // the server or its build has failed; waits for a change
  };

  // A series of restarts, each soon after the start before it.
  struct Series {
    // The files that changed each time, and the folders (with a trailing slash) in which some file
    // changed each time.
    std::set<std::string> keys;
    std::deque<TimePoint::duration> times;  // from the start to the change, for the newest changes
    int restarts = 0;
    int proofs = 0;
    bool follows_answers = false;  // in an experiment, no suspect changed before Running
  };

  bool is_early(TimePoint now) const;
  void extend(const std::vector<std::string>& files, TimePoint::duration time);
  void on_change_in_pause(const std::vector<std::string>& files);
  void raise_needed();
  void end_with_answer(TimePoint now);
  void end_with_failure(TimePoint now);
  bool is_suspicious() const;
  bool is_experimental_start() const;
  bool is_loop() const;
  std::chrono::milliseconds longest_time() const;
  std::chrono::milliseconds quiet_time(TimePoint now) const;
  std::chrono::milliseconds settle_time(TimePoint now) const;
  std::vector<std::string> suspects() const;
  bool has_suspect(const std::vector<std::string>& files) const;

  std::chrono::milliseconds settle_;
  Phase phase_ = Phase::Idle;
  TimePoint since_;              // when the phase began
  TimePoint started_;            // the newest start
  bool follows_change_ = false;  // a change has caused the start that waits
  int interrupted_ = 0;          // number of starts in a row that a change interrupted
  std::optional<Series> series_;
  // The newest start, or the one that waits, is an experiment: if a suspected file changes after
  // it, that is a proof.
  bool is_experiment_ = false;
  bool has_failed_ = false;  // in Starting: a failure is held back
  // Another file was saved meanwhile, so the next start is not delayed by a suspicion.
  bool is_impatient_ = false;
  int restarts_needed_ = kSuspectRestarts;  // number of restarts that raise a suspicion
};

}  // namespace hpp::supervisord
