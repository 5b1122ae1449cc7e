#include "launch/browser.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstdlib>
#include <system_error>
#include <utility>

#include "common/log.h"
#include "common/os/find_program.h"
#include "common/os/unique_fd.h"

namespace hpp::launch {
namespace {

// The program that opens a URL; empty if there is none.
std::string opener() {
  const char* const wanted = std::getenv("BROWSER");
  for (const char* const program : {"xdg-open", wanted, "wslview"}) {
    if (program != nullptr && !find_program(program).empty()) return program;
  }
  return "";
}

void report(const std::string& url, const std::string& why) {
  log::warning("cannot open a browser: {}. The site is at {}", why, url);
}

}  // namespace

void Browser::open(const std::string& url) {
  if (pid() != 0) return;
  const std::string program = opener();
  if (program.empty()) {
    return report(url, "xdg-open is not installed, and the variable BROWSER names no program");
  }
  const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const ChildRequest request{.command = {program, url},
                             .environment = {{kOpenedTag, std::to_string(tree_.root())}},
                             .group = ChildRequest::Group::OwnSession,
                             .stdin_fd = nothing.get(),
                             .stdout_fd = nothing.get(),
                             .stderr_fd = nothing.get()};
  const auto on_exit = [url, program](ExitStatus status) {
    if (status != ExitStatus{}) {
      report(url, fmt::format("{} has failed ({})", program, to_string(status)));
    }
  };
  try {
    auto child = std::make_unique<Child>(loop_, request, on_exit);
    std::swap(child_, child);
    if (child) loop_.bury(std::move(child));
    log::info("opening {}", url);
  } catch (const std::system_error& error) {
    report(url, error.what());
  }
}

}  // namespace hpp::launch
