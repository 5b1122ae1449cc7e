// Pure. The steps that must succeed before the backend is spawned, and how far they have got.
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
  std::string done;     // completes `…, built in 1.5 s`

  bool operator==(const Step&) const = default;
};

Step build_step(std::string command);

// ---- the preparation of a spawn -----------------------------------------------------------------
//
//           ┌──────────────change──────────────┐
//           ▼                                  │
//   Due ──begin──► Running ──last step works──► Done
//    ▲              │  │ ▲
//    │              │  │ └─a step works: the next one
//    ├──step fails──┤  │
//    ├──abort───────┘  └──change──► Outdated
//    └────────────────step ends, abort─┘
//
// Due       The steps are still to be run for the newest files.
// Running   One of them runs.
// Outdated  One of them runs, and the files have changed since begin(). Its result is of no use.
// Done      All have succeeded, and no file has changed since begin().
//
// Without any step it stays Due, and begin() says so.
class Preparation {
 public:
  explicit Preparation(std::vector<Step> steps) : steps_(std::move(steps)) {}

  bool is_due() const { return state_ == State::Due; }

  bool is_outdated() const { return state_ == State::Outdated; }

  bool is_done() const { return state_ == State::Done; }

  bool has_steps() const { return !steps_.empty(); }

  // The files have changed, or somebody asks for a restart.
  void on_change();

  // Begins with the first step. Requires: Due. Returns false if there is none.
  bool begin();

  // The step that runs, or that ran last.
  const Step& step() const { return steps_[current_]; }

  // The step has ended. Requires: Running or Outdated. Returns whether the next one is to be run.
  bool on_step_end(bool has_succeeded);

  // The step is killed, if one runs.
  void abort();

 private:
  enum class State { Due, Running, Outdated, Done };

  std::vector<Step> steps_;
  std::size_t current_ = 0;
  State state_ = State::Due;
};

}  // namespace hpp::supervisord
