// The command line of hpp-ctl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hpp::ctl {

enum class Command { Status, Wait, Restart, Stop, Trace };

struct CtlOptions {
  Command command = Command::Status;
  std::string name;           // the instance's; empty: the one that works here is meant
  std::string run_directory;  // the instance's; empty: it is found by its name or folder
  bool json = false;
  bool tickets = false;          // trace: the tickets and their answers, too
  std::uint32_t timeout_ms = 0;  // wait: how long at most; 0: for ever
};

// Either options, or the status to exit with, like hpp::ParsedOptions.
struct ParsedCtlOptions {
  std::optional<CtlOptions> options;
  int exit_status = 0;
};

ParsedCtlOptions parse_ctl_options(int argc, const char* const* argv);

}  // namespace hpp::ctl
