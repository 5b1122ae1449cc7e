// Shell. Runs the steps of the preparation, such as the build, and passes on what they print.
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

// A step's stdout and stderr are one stream, which goes to our stderr: its output is for the
// developer, and a compiler's message belongs between the lines of make where it was printed.
class StepRunner {
 public:
  // The others must outlive this. `destination`: the outlet of our stderr.
  StepRunner(Loop& loop, TreeKiller& killer, const Project& project, OutletWatch& destination,
             std::function<void(StepEnded)> on_end);

  // Runs a shell's command line. The one before it must have ended. Calls `on_end` once, at once if
  // the command cannot be started.
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
