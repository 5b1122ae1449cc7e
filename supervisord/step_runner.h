// Shell. Runs the steps of the preparation, such as the build, and passes on their output.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/event/loop.h"
#include "supervisord/core/events.h"
#include "supervisord/job.h"
#include "supervisord/output.h"
#include "supervisord/project.h"
#include "supervisord/tree_killer.h"

namespace hpp::supervisord {

// A step's stdout and stderr are the same stream, so that a compiler's messages appear between the
// lines of make in the order in which they were printed. The stream goes to our stderr, because it
// is meant for the developer.
class StepRunner {
 public:
  // All reference arguments must outlive this. `destination` is the outlet of our stderr, and `tap`
  // receives the output as well.
  StepRunner(Loop& loop, TreeKiller& killer, const Project& project, OutletWatch& destination,
             Relay::Tap tap, std::function<void(StepEnded)> on_end);

  // Runs a shell command line. The previous one must have ended. Calls `on_end` once, before this
  // returns if the command cannot be started.
  void run(const std::string& command);

  Relay& output() { return output_; }

 private:
  void start(const std::string& command);
  void end(const std::string& command, ExitStatus status);

  Loop& loop_;
  TreeKiller& killer_;
  const Project& project_;
  Relay output_;
  std::function<void(StepEnded)> on_end_;
  std::unique_ptr<Job> job_;
};

}  // namespace hpp::supervisord
