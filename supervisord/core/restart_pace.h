// Pure. Decides how long the next start waits if restarts follow each other faster than the server
// can start, and finds out whether the server restarts itself.
//
// ---- steady writes ----
//
// A tool may write files one after the other for seconds. The first change that meets a starting
// server restarts it at once. After each further one in a row, the next start waits until the files
// have been quiet for twice as long as before, but for kQuietTotalMax at most.
//
// ---- a restart loop ----
//
// A server, or its build, that writes a watched file when it starts restarts itself without end.
// The kernel tells only root who wrote a file (fanotify(7)), and a person or a script that saves
// often looks the same from outside. So the pace makes experiments.
//
// Suspicion: changes of the same file, or in the same folder, have ended several starts in a row,
// each about as long after the start. Then the next start is an experiment with two parts:
//
//   - The start waits for longer than the file has taken to change. A writer that is independent of
//     the server would write the file now, while no server runs.
//   - Running is published that long after the start, even if the server answers before. Requests
//     are held until then, so nobody can have written the file because of an answer.
//
// If the file changes after the start all the same, that is a proof. kLoopProofs in a row make a
// loop: it is named, and the pauses grow. If the file changes in the pause, another program
// writes it, and the suspicion is dropped. If it does not change before Running is published, it
// may be written because of an answer: by a person or a script, or by the server when a browser
// reloads the page. Then no start waits, but if the row goes on for twice as long, hpp says once
// what to do. A person cannot keep so regular a rhythm for so long. Each suspicion that was wrong
// doubles the restarts that the next one takes.
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

// The files must be quiet for so long after the second interrupted start, and twice as long after
// each further one, up to the second limit.
constexpr std::chrono::milliseconds kQuietMin{100};
constexpr std::chrono::milliseconds kQuietMax{2'000};
constexpr std::chrono::milliseconds kQuietTotalMax{5'000};

// So many restarts in a row by the same file raise the first suspicion. The number doubles with
// each suspicion that was wrong, up to the second limit.
constexpr int kSuspectRestarts = 4;
constexpr int kSuspectRestartsMax = 256;

// A change may belong to a loop if it comes within this time after the first answer. After a crash
// the time is short: what the server wrote before is notified soon, and a person needs longer.
constexpr std::chrono::milliseconds kAfterAnswer{2'000};
constexpr std::chrono::milliseconds kAfterCrash{300};

// A loop with restarts longer than this is left alone: an experiment would hold requests for longer
// than the loop does.
constexpr std::chrono::milliseconds kSuspectTimeMax{10'000};

constexpr int kLoopProofs = 2;

// The pauses before starts that are under suspicion: after 0, 1, 2 and more proofs.
constexpr std::array<std::chrono::milliseconds, 4> kLoopPauses{
    std::chrono::milliseconds{500}, std::chrono::milliseconds{1'000},
    std::chrono::milliseconds{2'000}, std::chrono::milliseconds{5'000}};

// Watchman may report a write of the old server so long after the server has ended.
constexpr std::chrono::milliseconds kNoticeMax{200};

struct Pause {
  enum class For {
    Nothing,     // the start comes at once
    Quiet,       // until no file has changed for `length`
    Experiment,  // a restart loop is suspected
    Loop,        // there is one
    Advice,      // not at all, but hpp should say that the files change after each answer
  };

  For is = For::Nothing;
  std::chrono::milliseconds length{};
  // Experiment, Loop, Advice:
  // The files that changed each time. If there are none, the folders in which something changed
  // each time, with a slash behind.
  std::vector<std::string> files;
  int restarts = 0;                  // how many restarts in a row that has led to
  std::chrono::milliseconds time{};  // how long after the start it changed, at most

  bool operator==(const Pause&) const = default;
};

class RestartPace {
 public:
  // Files changed. To be called for the first change that ends a start or its result, and for each
  // that comes while a start waits.
  void on_change(const std::vector<std::string>& files, TimePoint now);

  // A person asked for a restart.
  void on_request();

  // The next start is about to begin, and no server is there any more. Returns how long it must
  // wait.
  Pause begin_pause(TimePoint now);

  // After a change that came in the pause: how long the start must wait from now on.
  Pause pause(TimePoint now) const;

  // The build, or the server if there is nothing to build, is being started.
  void on_start(TimePoint now);

  // The server answers. Returns how long Running must not be published yet.
  std::chrono::milliseconds on_answer(TimePoint now);

  // That time is over, and nothing has changed.
  void on_hold_over(TimePoint now);

  // The server, or its build, has failed.
  void on_failure(TimePoint now);

 private:
  enum class Phase {
    Idle,      // nothing was started yet
    Paused,    // no start since the last change
    Starting,  // builds, boots, or answers without being told so yet
    Running,
    Failed,  // it, or its build, has ended; waits for a change
  };

  // Restarts in a row, each begun soon after the start.
  struct Series {
    std::set<std::string> keys;  // what changed each time: files, and folders with a slash behind
    std::deque<TimePoint::duration> times;  // from the start to each of the newest changes
    int restarts = 0;
    int proofs = 0;
    bool follows_answers = false;  // in an experiment, it did not change before Running
  };

  bool is_early(TimePoint now) const;
  void extend(const std::vector<std::string>& files, TimePoint::duration time);
  void on_change_in_pause(const std::vector<std::string>& files);
  void raise_needed();
  bool is_suspicious() const;
  bool is_loop() const;
  std::chrono::milliseconds longest_time() const;
  std::chrono::milliseconds quiet_time(TimePoint now) const;
  std::vector<std::string> suspects() const;
  bool has_suspect(const std::vector<std::string>& files) const;

  Phase phase_ = Phase::Idle;
  TimePoint since_;      // when the phase began
  TimePoint started_;    // the newest start
  int interrupted_ = 0;  // starts in a row that a change has ended
  std::optional<Series> series_;
  // If a suspected file changes after the newest start, or the one that waits, that is a proof.
  bool is_experiment_ = false;
  // Another file was saved meanwhile: the next start does not wait because of a suspicion.
  bool is_impatient_ = false;
  int restarts_needed_ = kSuspectRestarts;  // for a suspicion
};

}  // namespace hpp::supervisord
