// The command lines of all programs. option_list.h declares each option once, and hpp-launch passes
// to its helpers what concerns them.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/program.h"

namespace hpp {

// What the user asked for. A program sees the options that concern it; the others keep their
// defaults.
struct Options {
  Address bind;
  Address backend;
  std::vector<std::string> patterns;  // normalized globs; empty: every file
  std::vector<std::string> excludes;  // normalized globs
  std::vector<std::string> css;       // normalized globs of style sheets that browsers swap
  std::vector<std::string> reload;    // normalized globs of files that browsers reload for
  bool default_excludes = true;
  bool gitignore = false;            // not what git ignores
  bool ignore_unchanged = false;     // not a save that leaves the content as it was
  std::vector<std::string> command;  // the backend's
  std::string build;                 // the shell's command line that comes before each; or empty
  bool keep_last_good = false;       // the backend lives while the build runs, and if it fails
  std::vector<std::string> build_daemons;  // file names of programs that outlive the build
  bool socket = false;                     // the backend is handed a socket that listens
  bool ready_http = true;                  // it is ready when it answers a request, else a connect
  std::string ready_path = "/";            // path of that request
  int stop_signal = SIGKILL;  // asks the backend to end before it is killed; SIGKILL: nothing does
  std::uint32_t stop_timeout_ms = 2000;  // how long it may take to end then
  bool interactive = false;              // the backend reads the terminal
  bool clear = false;                    // the screen, at each restart
  std::string name;                      // of the instance; empty: from `bind`
  std::string run_directory;
  std::uint16_t livereload_port = 35729;  // 0: none
  bool inject = false;  // our LiveReload script, into the pages that users navigate to
  bool barrier = true;  // requests wait until the newest save is known
  std::uint32_t barrier_timeout_ms = 2000;
  std::uint32_t queue_limit = 10'000;  // requests that may wait for the backend
  std::uint32_t queue_timeout_ms = 0;  // how long each may; 0: for ever
  bool expose_errors = false;          // to other machines, too
  bool assume_running = false;         // proxyd alone, without supervisord
  bool debug = false;

  bool operator==(const Options&) const = default;
};

// Either options, or the status to exit with: --help and --version have printed what was asked
// (0), a mistake one line that says what was expected (2).
struct ParsedOptions {
  std::optional<Options> options;
  int exit_status = 0;
};

ParsedOptions parse_options(Program program, int argc, const char* const* argv);

// The arguments, without the program's name, that make `program` see `options`.
std::vector<std::string> arguments_for(Program program, const Options& options);

// What every helper's main does: parse the command line, start the log, run, and turn what cannot
// start into one line and status 1. Returns the exit status.
int run_program(Program program, int argc, char** argv, int (*run)(const Options&));

}  // namespace hpp
