#include "proxyd/editor_runner.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "common/log.h"
#include "common/os/launch_tree.h"
#include "common/os/unique_fd.h"

namespace hpp::proxyd {

EditorRunner::EditorRunner(Loop& loop) : loop_(loop) {
  const char* const command = std::getenv("HPP_EDITOR");
  if (command != nullptr) command_ = command;
}

std::string EditorRunner::open(const EditorPlace& place) {
  if (child_ && child_->is_running()) return "";  // it opens a file at this moment
  try {
    const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const ChildRequest request{.command = editor_command(command_, place),
                               // hpp-launch is our parent, if there is one
                               .environment = {{kOpenedTag, std::to_string(::getppid())}},
                               .group = ChildRequest::Group::OwnSession,
                               .stdin_fd = nothing.get(),
                               .stdout_fd = nothing.get(),
                               .stderr_fd = nothing.get()};
    auto child = std::make_unique<Child>(loop_, request, [this](ExitStatus status) {
      if (status != ExitStatus{}) {
        log::warning("HPP_EDITOR ({}) has failed: {}", command_, to_string(status));
      }
    });
    std::swap(child_, child);
    if (child) loop_.bury(std::move(child));
    return "";
  } catch (const std::exception& error) {
    return "hpp cannot run HPP_EDITOR (" + command_ + "): " + error.what();
  }
}

}  // namespace hpp::proxyd
