// Starts child processes for a test, and kills all of them at its end.
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

// The test process is a subreaper, so orphans of its children become its children.
class ProcessTest : public testing::Test {
 protected:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  static void SetUpTestSuite() { become_subreaper(); }

  ~ProcessTest() override {
    // Repeated, because a reading of /proc may miss a process that loses its parent meanwhile.
    while (children_left({})) {
      for (const pid_t pid : living_descendants(::getpid())) ::kill(pid, SIGKILL);
      run_for(loop_, std::chrono::milliseconds(1));
    }
  }

  // Starts a child in a session of its own.
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

  // Starts a child that remains a copy of this process and only waits.
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
