// Parses hpp-ctl's command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hpp::ctl {

enum class Command {
  Status,
  Wait,
  Check,
  Restart,
  Pause,
  Resume,
  Stop,
  Log,
  Trace,
  Qr,
  Doctor,
  Mcp
};

struct CtlOptions {
  Command command = Command::Status;
  std::string name;           // the instance's name; empty: choose by the current directory
  std::string run_directory;  // the instance's; empty: choose by name or current directory
  bool json = false;
  bool all = false;                         // status: list all instances
  bool fix = false;                         // doctor: remove leftovers
  bool wait = false;                        // restart: then do as Command::Wait does
  bool tickets = false;                     // trace: print tickets and their answers
  bool follow = false;                      // log: go on until Ctrl+C
  bool since_save = false;                  // log: only output since the cause of the last restart
  std::optional<std::uint64_t> generation;  // log: only this generation's output
  std::uint32_t lines = 0;                  // log: only the last lines; 0: all
  std::string target;                       // check: a path or URL
  std::uint32_t timeout_ms =
      0;  // wait, check and restart --wait: give up after this time; 0: never
};

// The options, or the exit status if there are none, like hpp::ParsedOptions.
struct ParsedCtlOptions {
  std::optional<CtlOptions> options;
  int exit_status = 0;
};

ParsedCtlOptions parse_ctl_options(int argc, const char* const* argv);

}  // namespace hpp::ctl
