// Parses the command lines of all programs, and writes those of the helpers.
//
// option_list.h declares each option once. hpp-launch passes to each helper the options that
// concern it.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/program.h"
#include "common/ready_when.h"

namespace hpp {

// The values of all options. A program's parser sets the options that concern the program; the
// others keep their defaults.
struct Options {
  Address bind;
  Address backend;                    // port 0: hpp-launch chooses a free port
  std::vector<std::string> patterns;  // normalized globs; empty: every file
  std::vector<std::string> excludes;  // normalized globs
  std::vector<std::string> css;       // normalized globs of style sheets that browsers swap
  std::vector<std::string> reload;    // normalized globs of files for which browsers reload
  std::vector<std::string> roots;     // further directories whose files count
  bool default_excludes = true;
  bool gitignore = false;         // files that git ignores are ignored
  bool ignore_unchanged = false;  // a save that does not change the content is ignored
  std::string watcher = "auto";   // the kind of source for changes (watchd/core/choice.h)
  std::uint32_t poll_interval_ms = 500;
  std::vector<std::string> command;  // the command that starts the backend
  std::string env_file;              // name of a file with variables for the command; or empty
  std::string build;                 // a shell command that runs before each start; or empty
  bool manual = false;               // only the user restarts the backend
  std::uint32_t settle_ms = 0;       // a start waits until no file has changed for this time
  bool keep_last_good = false;       // the old backend runs during a build, and if the build fails
  std::vector<std::string> build_daemons;  // file names of programs that outlive the build
  std::uint32_t retries = 0;               // starts in a row after crashes that no save has caused
  bool socket = false;                     // the backend gets a listening socket
  ReadyWhen ready;                         // when the backend counts as ready
  std::string ready_path = "/";            // the path of the request that it answers then
  int stop_signal = SIGKILL;               // the signal before SIGKILL; SIGKILL: no other signal
  std::uint32_t stop_timeout_ms = 2000;    // the time from stop_signal to SIGKILL
  bool warm = false;                       // the next process of the command waits at a gate
  bool interactive = false;                // the backend reads the terminal
  bool clear = false;                      // the terminal is cleared at each restart
  std::string name;                        // the instance's name; empty: made from `bind`
  std::string run_directory;
  std::uint16_t livereload_port = 35729;  // 0: none
  bool inject = false;  // pages that users navigate to get hpp's LiveReload script
  bool barrier = true;  // requests wait until all saves made before them are known
  std::uint32_t barrier_timeout_ms = 2000;
  std::uint32_t queue_limit = 10'000;  // requests that may wait for the backend
  std::uint32_t queue_timeout_ms = 0;  // how long each request may wait; 0: without a limit
  bool inspect = true;                 // proxyd keeps the last requests for /__hpp/
  bool lan = false;                    // proxyd serves the local network
  std::string trusted_host;            // a further name by which browsers reach proxyd; empty: none
  bool expose_errors = false;          // other machines get the output of a crashed server, too
  bool assume_running = false;         // proxyd runs without supervisord
  bool verbose = false;                // the log has details: program, pid, generation, times
  bool debug = false;

  bool operator==(const Options&) const = default;
};

// The parsed options, or the status to exit with: 0 after --help or --version, 2 after an invalid
// command line, for which one line was printed.
struct ParsedOptions {
  std::optional<Options> options;
  int exit_status = 0;
  // Of hpp-launch: what a valid command line probably gets wrong. Each is a message for the log.
  std::vector<std::string> hints;
};

ParsedOptions parse_options(Program program, int argc, const char* const* argv);

// Returns the arguments, without the program's name, that `program` parses as `options`.
std::vector<std::string> arguments_for(Program program, const Options& options);

// The main function of every program: parses the command line, starts the log, prepares the run
// directory of a helper, and calls `run`. If that throws, logs one line. Returns the exit status: 1
// after an exception, but kTemporaryFailure if a helper throws CannotStartNow.
int run_program(Program program, int argc, char** argv, int (*run)(const Options&));

}  // namespace hpp
