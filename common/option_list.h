// The list of all options: their names, members of Options, help texts, and programs.
//
// A new option is added here and to Options.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "common/options.h"

namespace hpp {

inline bool is_any(Program program, std::initializer_list<Program> programs) {
  return std::find(programs.begin(), programs.end(), program) != programs.end();
}

// The words for true and false of an option with two values.
struct Words {
  const char* yes;
  const char* no;
};

// Each function visits one section of --help. `Visitor` declares the options to CLI11, or turns
// them into arguments again; in the second case `options` is const.
template <class Visitor, class AnyOptions>
void visit_addresses(Program program, AnyOptions& options, Visitor& visitor) {
  using enum Program;
  if (is_any(program, {Launch, Proxyd})) {
    visitor.address("BIND", options.bind, "address for your browser: PORT, HOST:PORT or [V6]:PORT");
  }
  if (is_any(program, {Launch})) {
    visitor.optional_address("BACKEND", options.backend,
                             "address on which your server listens (default: a free port, which "
                             "your server finds in PORT and as {PORT} in its command)");
  }
  if (is_any(program, {Proxyd, Supervisord})) {
    visitor.address("BACKEND", options.backend,
                    "address on which your server listens: PORT, HOST:PORT or [V6]:PORT");
  }
}

template <class Visitor, class AnyOptions>
void visit_files(AnyOptions& options, Visitor& visitor) {
  visitor.group("Files");
  visitor.globs("-p,--pattern", options.patterns,
                "restart the server when these files change (default: every file)");
  visitor.globs("-x,--exclude", options.excludes, "ignore these files");
  visitor.globs("--css", options.css,
                "swap these style sheets in the browser; do not restart the server");
  visitor.globs("--reload", options.reload,
                "reload the browser when these files change; do not restart the server");
  visitor.directories("--root", options.roots,
                      "watch these directories as well, such as ../shared");
  visitor.negated_flag("--no-default-excludes", options.default_excludes,
                       "do not ignore version control, caches and editors' files");
  visitor.flag("--gitignore", options.gitignore, "ignore the files that git ignores");
  visitor.flag("--ignore-unchanged", options.ignore_unchanged,
               "ignore a save that does not change the content of the file");
  visitor.word("--watcher", {"auto", "watchman", "inotify", "poll"}, options.watcher,
               "how to find changed files: with Watchman, with inotify(7), or by polling (default: "
               "auto, which chooses by file system, and by whether Watchman is installed)");
  visitor.number("--poll-interval", "MS", 10, options.poll_interval_ms,
                 "pause between two polls of all files (default: 500)");
}

template <class Visitor, class AnyOptions>
void visit_browsers(AnyOptions& options, Visitor& visitor) {
  visitor.group("Browsers and requests");
  visitor.port("--livereload-port", options.livereload_port,
               "port of the LiveReload server (default: 35729; 0 turns it off)");
  visitor.flag("--inject", options.inject, "add the script that reloads the browser to your pages");
  visitor.choice("--barrier", options.barrier, {"on", "off"},
                 "hold each request until hpp has seen every save made before it (default: on)");
  visitor.number("--barrier-timeout", "MS", 1, options.barrier_timeout_ms,
                 "forward requests after this time if the file watcher does not answer (default: "
                 "2000)");
  visitor.number("--queue-limit", "N", 1, options.queue_limit,
                 "hold at most N requests for your server (default: 10000)");
  visitor.number("--queue-timeout", "MS", 0, options.queue_timeout_ms,
                 "hold each request at most for this time (default: 0, without a limit)");
  visitor.negated_flag("--no-inspect", options.inspect,
                       "do not keep the last requests for the page /__hpp/");
  visitor.flag("--lan", options.lan,
               "listen on all addresses, and let phones and other machines of the local network "
               "reload and see errors, too (implies --inject)");
  visitor.text("--trust-host", "NAME", options.trusted_host,
               "treat pages of this name as pages of localhost: the name of a tunnel, or of a "
               "program that terminates TLS");
  visitor.flag("--expose-errors", options.expose_errors,
               "show errors to other machines and under other names than localhost, too");
}

template <class Visitor, class AnyOptions>
void visit_server(AnyOptions& options, Visitor& visitor) {
  visitor.group("Your server");
  visitor.text("--build", "COMMAND", options.build,
               "run this shell command before each start of the server");
  visitor.flag("--keep-last-good", options.keep_last_good,
               "keep the old server during a build, and if the build fails");
  visitor.flag("--manual", options.manual,
               "do not restart the server after a change, but only when you press r, or with "
               "hpp-ctl restart");
  visitor.number("--settle", "MS", 0, options.settle_ms,
                 "after a change, start the server when no file has changed for this time "
                 "(default: 0, at once)");
  visitor.number("--retry", "N", 0, options.retries,
                 "start the server again after a crash that no save has caused, at most N times in "
                 "a row (default: 0)");
  visitor.file_names("--build-daemon", options.build_daemons,
                     "do not kill these programs when the build that started them ends; Gradle, "
                     "Bazel, sccache and others are known");
  visitor.flag("--socket", options.socket,
               "listen on BACKEND, and pass the socket to the server as descriptor 3 "
               "(LISTEN_FDS)");
  visitor.ready_when("--ready", options.ready,
                     "the server is ready when it answers a request (http, the default), accepts "
                     "a connection (tcp), or has said so: with READY=1 to NOTIFY_SOCKET (notify), "
                     "or in a line of its output (line:REGEX)");
  visitor.text("--ready-path", "PATH", options.ready_path,
               "path of the request that shows whether the server is ready (default: /)");
  visitor.signal("--stop-signal", options.stop_signal,
                 "send this signal to the server, and kill it later: TERM, INT, … (default: "
                 "KILL, at once)");
  visitor.number("--stop-timeout", "MS", 1, options.stop_timeout_ms,
                 "kill the server if it still runs this long after the stop signal (default: "
                 "2000)");
  visitor.flag("--warm", options.warm,
               "keep the next process of a Python, Node or Ruby server ready: it has loaded the "
               "packages, and at a change it only loads your code");
  visitor.flag("--interactive", options.interactive,
               "let the server read the keyboard, for debuggers such as pdb");
  visitor.flag("--clear", options.clear, "clear the terminal at each restart");
}

// The supervisor reads the file, and the watcher counts its changes.
template <class Visitor, class AnyOptions>
void visit_env_file(AnyOptions& options, Visitor& visitor) {
  visitor.group("Your server");
  visitor.text("--env-file", "FILE", options.env_file,
               "set the variables in this file, such as .env, for the server and its build; a "
               "change to it restarts the server");
}

template <class Visitor, class AnyOptions>
void visit_hpp(Program program, AnyOptions& options, Visitor& visitor) {
  using enum Program;
  visitor.group("hpp itself");
  if (is_any(program, {Launch})) {
    visitor.text("--name", "NAME", options.name, "name of this instance (default: made from BIND)");
  }
  if (is_any(program, {Proxyd, Watchd, Supervisord})) {
    visitor.text("--run-dir", "DIRECTORY", options.run_directory,
                 "directory for the sockets, locks and snapshots of one instance");
  }
  if (is_any(program, {Proxyd})) {
    visitor.flag("--assume-running", options.assume_running,
                 "forward every request; no supervisor runs the server");
  }
  visitor.flag("--verbose", options.verbose,
               "show more: hpp's programs, process ids, generations, and how long each step takes");
  visitor.flag("--debug", options.debug, "show every message between hpp's processes");
}

template <class Visitor, class AnyOptions>
void visit_options(Program program, AnyOptions& options, Visitor& visitor) {
  using enum Program;
  visit_addresses(program, options, visitor);
  if (is_any(program, {Launch, Watchd})) visit_files(options, visitor);
  if (is_any(program, {Launch, Proxyd})) visit_browsers(options, visitor);
  if (is_any(program, {Launch, Supervisord})) visit_server(options, visitor);
  if (is_any(program, {Launch, Watchd, Supervisord})) visit_env_file(options, visitor);
  visit_hpp(program, options, visitor);
}

}  // namespace hpp
