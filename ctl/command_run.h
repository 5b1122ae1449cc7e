// Shell. Runs a command of hpp-ctl, or another program, in a process of its own, and collects what
// it prints.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event/child.h"
#include "common/event/deferred_call.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"
#include "ctl/core/mcp_tools.h"

namespace hpp::ctl {

class CommandRun {
 public:
  // Limit of each of the command's two outputs, in bytes. A command that prints more is killed.
  static constexpr std::size_t kOutputMax = 4 * 1024 * 1024;

  using OnEnd = std::function<void(const CommandOutcome&)>;

  // The program that runs now: an update may have replaced the one at its path.
  static constexpr const char* kThisProgram = "/proc/self/exe";

  // Runs `program` (as execvp(3) finds it) with `words` as its arguments. Calls `on_end` once, from
  // the loop, also if the process cannot be started. The callback must not destroy the CommandRun,
  // but can use Loop::bury(). The process gets SIGKILL when this one dies. `loop` must outlive the
  // CommandRun.
  CommandRun(Loop& loop, const std::vector<std::string>& words, OnEnd on_end,
             std::string program = kThisProgram);
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;

  // Ends the process; `on_end` follows.
  void kill();

 private:
  // One output of the process.
  struct Output {
    UniqueFd reader;
    std::string text;
    std::unique_ptr<FdWatch> readable;  // destroyed before the descriptor is closed
  };

  void start(Loop& loop, const std::vector<std::string>& words);
  UniqueFd open(Loop& loop, Output& output);
  void read(Output& output);
  void end(ExitStatus status);

  std::string name() const { return program_ == kThisProgram ? "hpp-ctl" : program_; }

  std::string program_;
  OnEnd on_end_;
  Output out_;
  Output err_;
  std::string problem_;
  std::unique_ptr<Child> child_;
  DeferredCall not_started_;
};

}  // namespace hpp::ctl
