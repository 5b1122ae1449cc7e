// Pure. The steps that must succeed before the backend is spawned, and their progress.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace hpp::supervisord {

// One command that runs before a spawn. The only kind today is the build (--build).
struct Step {
  std::string command;  // a shell's command line
  std::string title;    // the first word of the log line: `Building`
  std::string brief;    // the first word of the short line: `building`
  std::string done;     // completes `…, built in 1.5 s`

  bool operator==(const Step&) const = default;
};

Step build_step(std::string command);

// ---- the preparation of a spawn -----------------------------------------------------------------
//
//           ┌───────────────change────────────────┐
//           ▼                                     │
//   Due ──begin──► Running ─last step succeeds─► Done
//    ▲              │  │ ▲
//    │              │  │ └─a step succeeds: the next one
//    ├──step fails──┤  │
//    ├──abort───────┘  └──change──► Outdated
//    └────────────────step ends, abort─┘
//
// Due       The steps have not run for the newest files yet.
// Running   A step runs.
// Outdated  A step runs, but files have changed since begin(). Its result will be discarded.
// Done      All steps have succeeded, and no file has changed since begin().
//
// If there are no steps, the state stays Due, and begin() returns false.
class Preparation {
 public:
  explicit Preparation(std::vector<Step> steps) : steps_(std::move(steps)) {}

  bool is_due() const { return state_ == State::Due; }

  bool is_outdated() const { return state_ == State::Outdated; }

  bool is_done() const { return state_ == State::Done; }

  bool has_steps() const { return !steps_.empty(); }

  // To be called when files have changed, or when the user requests a restart.
  void on_change();

  // Begins with the first step. Requires: Due. Returns false if there are no steps.
  bool begin();

  // The step that runs, or the last one that ran.
  const Step& step() const { return steps_[current_]; }

  // To be called when the step has ended. Requires: Running or Outdated. Returns whether the next
  // step must be run.
  bool on_step_end(bool has_succeeded);

  // To be called when the running step, if any, is killed.
  void abort();

 private:
  enum class State { Due, Running, Outdated, Done };

  std::vector<Step> steps_;
  std::size_t current_ = 0;
  State state_ = State::Due;
};

}  // namespace hpp::supervisord
