#include "ctl/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "common/cli11_words.h"
#include "common/help_formatter.h"
#include "common/text.h"
#include "config.h"

namespace hpp::ctl {
namespace {

constexpr const char* kDescription =
    "Controls a running hpp: the one of the current folder or of the nearest folder\n"
    "above it, or the one that --name names.";

constexpr const char* kExamples =
    "Exit status: 0 if it is done, 1 if it has failed (or the save has), 2 if the\n"
    "command line is wrong, 3 after a timeout, 4 if no such hpp is running.\n\n"
    "Examples:\n"
    "  hpp-ctl status\n"
    "  sed -i s/a/b/ app.py && hpp-ctl wait --timeout 30000 && curl localhost:8000\n"
    "  hpp-ctl log --since-save\n"
    "  hpp-ctl restart\n"
    "  hpp-ctl pause && git rebase main && hpp-ctl resume\n"
    "  hpp-ctl trace --json | jq .message.state\n"
    "  hpp-ctl --name localhost-8000 stop";

// An example in the --help of a command.
struct Example {
  const char* command;
  const char* line;
};

constexpr Example kCommandExamples[] = {
    {"status", "hpp-ctl status --json | jq .backend.generation"},
    {"wait", "sed -i s/a/b/ app.py && hpp-ctl wait && curl localhost:8000"},
    {"check", "hpp-ctl check /cart --timeout 30000"},
    {"restart", "hpp-ctl restart --wait --timeout 30000"},
    {"pause", "hpp-ctl pause && git rebase main && hpp-ctl resume"},
    {"resume", "hpp-ctl resume && hpp-ctl wait"},
    {"stop", "hpp-ctl --name localhost-8000 stop"},
    {"log", "hpp-ctl log --since-save --lines 50"},
    {"trace", "hpp-ctl trace --json | jq .message.state"},
    {"qr", "hpp-ctl qr"},
    {"doctor", "hpp-ctl doctor --fix"},
    {"mcp", "claude mcp add hpp -- hpp-ctl mcp"},
};

CLI::App* add_command(CLI::App& app, CtlOptions& options, Command command, const char* name,
                      const char* help) {
  CLI::App* const added = app.add_subcommand(name, help);
  added->fallthrough();  // `hpp-ctl status --name x`
  added->footer("");     // not that of hpp-ctl itself
  for (const auto& [command_name, line] : kCommandExamples) {
    if (std::string_view(name) == command_name) added->footer(fmt::format("Example:\n  {}", line));
  }
  added->callback([&options, command] { options.command = command; });
  return added;
}

// Rejects an empty value: `--run-dir "$unset"` must not silently choose the instance of the current
// directory.
CLI::Validator not_empty() {
  const auto check = [](const std::string& text) -> std::string {
    return text.empty() ? "expected a directory, got nothing" : "";
  };
  return {check, ""};
}

CLI::Option* add_timeout(CLI::App& command, CtlOptions& options) {
  return command
      .add_option("--timeout", options.timeout_ms, "give up after this time (default: 0, never)")
      ->type_name("MS")
      ->transform(decimal_number())
      ->check(CLI::Range(0U, UINT32_MAX));
}

void declare(CLI::App& app, CtlOptions& options) {
  auto* const name = app.add_option("--name", options.name,
                                    "name of the instance (default: the one of this folder)")
                         ->type_name("NAME");
  app.add_option("--run-dir", options.run_directory,
                 "run directory of the instance, if several have its name")
      ->type_name("DIRECTORY")
      ->check(not_empty())
      ->excludes(name);
  auto* const status = add_command(app, options, Command::Status, "status", "show the state");
  auto* const wait = add_command(app, options, Command::Wait, "wait",
                                 "wait until your last save is live, or has failed");
  auto* const check = add_command(app, options, Command::Check, "check",
                                  "wait, then GET a page; show it and what the server printed");
  auto* const restart = add_command(app, options, Command::Restart, "restart",
                                    "restart the server, as after a change");
  add_command(app, options, Command::Pause, "pause",
              "do not restart the server after saves, only note them");
  add_command(app, options, Command::Resume, "resume",
              "end the pause; restart the server if there were saves");
  add_command(app, options, Command::Stop, "stop",
              "stop hpp and the server, and wait until they have ended");
  auto* const log =
      add_command(app, options, Command::Log, "log", "show what the server and its build printed");
  auto* const trace = add_command(app, options, Command::Trace, "trace",
                                  "show the messages between hpp's processes, until Ctrl+C");
  add_command(app, options, Command::Qr, "qr",
              "show a QR code that opens the site on a phone (--lan)");
  auto* const doctor = add_command(app, options, Command::Doctor, "doctor",
                                   "find out what is wrong, and say what cures it");
  add_command(app, options, Command::Mcp, "mcp",
              "serve a coding agent: a Model Context Protocol server on stdin and stdout");
  status->add_flag("--all", options.all, "list all of this user's instances")->excludes(name);
  status->add_flag("--json", options.json, "print all details, one JSON object per instance");
  doctor->add_flag("--json", options.json, "print the findings as one JSON object");
  doctor->add_flag("--fix", options.fix, "kill and remove what ended runs of hpp have left behind");
  log->add_flag("-f,--follow", options.follow, "show new output as well, until Ctrl+C");
  auto* const since_save = log->add_flag("--since-save", options.since_save,
                                         "only since the save that caused the last restart");
  log->add_option("--generation", options.generation,
                  "only of the N-th start of the server (hpp-ctl status names the newest)")
      ->type_name("N")
      ->transform(decimal_number())
      ->check(CLI::Range(1U, UINT32_MAX))
      ->excludes(since_save);
  log->add_option("-n,--lines", options.lines, "only the last N lines, before --follow")
      ->type_name("N")
      ->transform(decimal_number())
      ->check(CLI::Range(1U, UINT32_MAX));
  log->add_flag("--json", options.json, "print one JSON object per line");
  trace->add_flag("--json", options.json, "print one JSON object per line");
  trace->add_flag("--tickets", options.tickets,
                  "show the tickets that come with each request, and their answers, too");
  auto* const then_wait =
      restart->add_flag("--wait", options.wait, "wait until the new server answers, or has failed");
  add_timeout(*wait, options);
  wait->add_flag("--json", options.json, "print the outcome as one JSON object");
  check->add_option("TARGET", options.target, "path (/cart) or URL of the page")->required();
  add_timeout(*check, options);
  check->add_flag("--json", options.json, "print the outcome as one JSON object");
  add_timeout(*restart, options)->needs(then_wait);
  restart->add_flag("--json", options.json, "with --wait: print the outcome as one JSON object")
      ->needs(then_wait);
  app.require_subcommand(1);
}

}  // namespace

ParsedCtlOptions parse_ctl_options(int argc, const char* const* argv) {
  CtlOptions options;
  CLI::App app(kDescription, "hpp-ctl");
  app.set_help_flag("-h,--help", "show this help");
  app.set_version_flag("--version", HPP_VERSION, "show the version");
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(kExamples);
  declare(app, options);
  try {
    auto words = words_for_cli11(app, {argv + 1, argv + argc});
    std::reverse(words.begin(), words.end());  // because App::parse() expects the last word first
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return {};
  } catch (const CLI::CallForVersion&) {
    fmt::print("hpp-ctl {}\n", HPP_VERSION);
    return {};
  } catch (const CLI::ParseError& error) {
    const auto unknown = unknown_word(app, {argv + 1, argv + argc});
    fmt::print(stderr, "hpp-ctl: error: {} (see hpp-ctl --help)\n",
               printable(unknown.value_or(error.what())));
    return {.options = {}, .exit_status = 2};
  }
  return {.options = std::move(options)};
}

}  // namespace hpp::ctl
