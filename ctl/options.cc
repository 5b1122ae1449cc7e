#include "ctl/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/cli11_words.h"
#include "common/text.h"
#include "config.h"

namespace hpp::ctl {
namespace {

constexpr const char* kDescription =
    "Looks at a running hpp and tells it what to do: at the one that works in this folder or in\n"
    "the nearest above it, or at the one of that name.";

constexpr const char* kExamples =
    "Exit status: 0, done; 1, not: the save has failed, or nothing runs; 2, wrong usage.\n\n"
    "Examples:\n"
    "  hpp-ctl status\n"
    "  sed -i s/old/new/ app.py && hpp-ctl wait --timeout 30000 && curl localhost:8000\n"
    "  hpp-ctl restart\n"
    "  hpp-ctl trace --json | jq .message.state\n"
    "  hpp-ctl --name localhost-8000 stop";

CLI::App* add_command(CLI::App& app, CtlOptions& options, Command command, const char* name,
                      const char* help) {
  CLI::App* const added = app.add_subcommand(name, help);
  added->fallthrough();  // `hpp-ctl status --name x`
  added->footer("");
  added->callback([&options, command] { options.command = command; });
  return added;
}

// An empty value, as of `--run-dir "$unset"`, must not mean the instance of this folder.
CLI::Validator not_empty() {
  const auto check = [](const std::string& text) -> std::string {
    return text.empty() ? "expected a directory, got nothing" : "";
  };
  return {check, ""};
}

void declare(CLI::App& app, CtlOptions& options) {
  auto* const name = app.add_option("--name", options.name,
                                    "name of the instance (default: the one that works here)")
                         ->type_name("NAME");
  app.add_option("--run-dir", options.run_directory,
                 "run directory of the instance, if several have the same name")
      ->type_name("DIRECTORY")
      ->check(not_empty())
      ->excludes(name);
  auto* const status =
      add_command(app, options, Command::Status, "status", "tell how things stand");
  auto* const wait = add_command(app, options, Command::Wait, "wait",
                                 "wait until what was saved by now is live, or has failed");
  add_command(app, options, Command::Restart, "restart",
              "kill the server and start it anew, as after a change");
  add_command(app, options, Command::Stop, "stop",
              "end hpp and the server, and wait for their end");
  auto* const trace = add_command(app, options, Command::Trace, "trace",
                                  "show what hpp's processes tell each other, until Ctrl+C");
  status->add_flag("--json", options.json, "one JSON object");
  trace->add_flag("--json", options.json, "one JSON object a line");
  trace->add_flag("--tickets", options.tickets,
                  "also the questions that come with each request, and their answers");
  wait->add_option("--timeout", options.timeout_ms,
                   "how long it waits at most (default: 0: for ever)")
      ->type_name("MS")
      ->transform(decimal_number())
      ->check(CLI::Range(0U, UINT32_MAX));
  app.require_subcommand(1);
}

}  // namespace

ParsedCtlOptions parse_ctl_options(int argc, const char* const* argv) {
  CtlOptions options;
  CLI::App app(kDescription, "hpp-ctl");
  app.set_version_flag("--version");
  app.footer(kExamples);
  declare(app, options);
  try {
    auto words = words_for_cli11(app, {argv + 1, argv + argc});
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return {};
  } catch (const CLI::CallForVersion&) {
    fmt::print("hpp-ctl {}\n", HPP_VERSION);
    return {};
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "hpp-ctl: error: {} (see hpp-ctl --help)\n", printable(error.what()));
    return {.options = {}, .exit_status = 2};
  }
  return {.options = std::move(options)};
}

}  // namespace hpp::ctl
