// hpp-ctl: shows and controls a running hpp.
#include <chrono>
#include <csignal>
#include <exception>

#include "common/log.h"
#include "common/os/inherited.h"
#include "ctl/commands.h"
#include "ctl/core/failure.h"
#include "ctl/instances.h"
#include "ctl/print.h"

namespace {

int run(const hpp::ctl::CtlOptions& options) {
  if (options.all) return hpp::ctl::status_of_all(options);
  if (options.command == hpp::ctl::Command::Mcp) return hpp::ctl::mcp(options);
  if (options.command == hpp::ctl::Command::Doctor) return hpp::ctl::doctor(options);
  const hpp::ctl::Instance instance = hpp::ctl::find_instance(options);
  switch (options.command) {
    case hpp::ctl::Command::Status:
      return hpp::ctl::status(instance, options);
    case hpp::ctl::Command::Wait:
      return hpp::ctl::wait(instance, options);
    case hpp::ctl::Command::Check:
      return hpp::ctl::check(instance, options);
    case hpp::ctl::Command::Restart:
      return hpp::ctl::restart(instance, options);
    case hpp::ctl::Command::Pause:
      return hpp::ctl::pause(instance);
    case hpp::ctl::Command::Resume:
      return hpp::ctl::resume(instance);
    case hpp::ctl::Command::Stop:
      return hpp::ctl::stop(instance);
    case hpp::ctl::Command::Log:
      return hpp::ctl::log(instance, options);
    case hpp::ctl::Command::Trace:
      return hpp::ctl::trace(instance, options);
    case hpp::ctl::Command::Qr:
      return hpp::ctl::qr(instance);
    case hpp::ctl::Command::Mcp:  // these have returned above, because they need no instance
    case hpp::ctl::Command::Doctor:
      break;
  }
  return 2;
}

// Reports why a command has failed. Returns the exit status.
int fail(const hpp::ctl::CtlOptions& options, hpp::ctl::CommandStatus status, const char* message) {
  const bool waits = options.command == hpp::ctl::Command::Wait ||
                     options.command == hpp::ctl::Command::Check || options.wait;
  if (waits && options.json) {
    hpp::ctl::print_json(hpp::ctl::failure_json(status, message));
  } else {
    hpp::log::error("{}", message);
  }
  return static_cast<int>(status);
}

// In effect no limit. Fits into poll(2)'s timeout, which is an int of milliseconds.
constexpr std::chrono::hours kFinishTime{24};

}  // namespace

int main(int argc, char** argv) {
  hpp::clean_inherited_state();
  const auto parsed = hpp::ctl::parse_ctl_options(argc, argv);
  if (!parsed.options) return parsed.exit_status;
  hpp::log::start("hpp-ctl", hpp::log::Level::Warning);
  std::signal(SIGPIPE, SIG_IGN);
  int exit_status = 0;
  try {
    exit_status = run(*parsed.options);
  } catch (const hpp::ctl::Failure& error) {
    exit_status = fail(*parsed.options, error.status, error.what());
  } catch (const std::exception& error) {
    exit_status = fail(*parsed.options, hpp::ctl::CommandStatus::Failed, error.what());
  }
  // Waits until stderr has taken the error message. Ctrl+C ends the wait.
  hpp::log::finish(kFinishTime);
  return exit_status;
}
