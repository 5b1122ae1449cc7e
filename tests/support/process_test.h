// Real child processes for a test, none of which outlives it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/event/child.h"
#include "common/os/process_tree.h"
#include "tests/support/run_until.h"

namespace hpp {

// This process is the reaper of what its children leave behind, too.
class ProcessTest : public testing::Test {
 protected:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  static void SetUpTestSuite() { become_subreaper(); }

  ~ProcessTest() override {
    // Again and again: a look at /proc may miss who loses its parent during it.
    while (children_left({})) {
      for (const pid_t pid : living_descendants(::getpid())) ::kill(pid, SIGKILL);
      run_for(loop_, std::chrono::milliseconds(1));
    }
  }

  // A child in a session of its own.
  pid_t start(const std::vector<std::string>& command, const Environment& environment,
              const std::string& pid_variable = "") {
    const ChildRequest request{.command = command,
                               .directory = {},
                               .environment = environment,
                               .group = ChildRequest::Group::OwnSession,
                               .pid_variable = pid_variable};
    children_.push_back(std::make_unique<Child>(loop_, request, [](ExitStatus) {}));
    return children_.back()->pid();
  }

  // A child that goes on as a copy of this process, and does nothing.
  static pid_t start_copy() {
    const pid_t copy = ::fork();
    if (copy == 0) {
      for (;;) ::pause();
    }
    return copy;
  }

  Loop loop_;
  std::vector<std::unique_ptr<Child>> children_;
};

}  // namespace hpp
