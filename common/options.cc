#include "common/options.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "common/advice/command_line.h"
#include "common/advice/server.h"
#include "common/cli11_words.h"
#include "common/command_line_facts.h"
#include "common/exit_status.h"
#include "common/glob.h"
#include "common/help_formatter.h"
#include "common/help_texts.h"
#include "common/log.h"
#include "common/option_emitter.h"
#include "common/option_file.h"
#include "common/option_list.h"
#include "common/option_names.h"
#include "common/os/inherited.h"
#include "common/os/init.h"
#include "common/os/run_directory.h"
#include "common/port_placeholder.h"
#include "common/signal_names.h"
#include "common/text.h"
#include "config.h"

namespace hpp {
namespace {

constexpr const char* kExec = "--exec";
constexpr const char* kShortExec = "--";  // means the same
constexpr const char* kConfig = "--config";
// This file in the working directory is read unless the command line names another one.
constexpr const char* kDefaultConfig = "hpp.toml";

// Declares the options to CLI11 and to the option file. A file may have all options of hpp-launch.
class Declarer {
 public:
  // New: adds each option to the file. Known: only replaces options that the file has already.
  enum class Keys { New, Known };

  Declarer(CLI::App& app, OptionFile& file, Keys keys) : app_(app), file_(file), keys_(keys) {}

  // Begins a section of --help, for the options that follow.
  void group(const char* title) { group_ = title; }

  void address(const char* name, Address& target, const char* help) {
    declare_address(name, target, help)->required();
  }

  void optional_address(const char* name, Address& target, const char* help) {
    declare_address(name, target, help);
  }

  void globs(const char* name, std::vector<std::string>& target, const char* help) {
    texts(name, "GLOB", target, read_glob, help);
  }

  void directories(const char* name, std::vector<std::string>& target, const char* help) {
    texts(name, "DIR", target, read_directory, help);
  }

  void file_names(const char* name, std::vector<std::string>& target, const char* help) {
    texts(name, "NAME", target, read_file_name, help);
  }

  void text(const char* name, const char* what, std::string& target, const char* help) {
    declare(name, Setting::Text, app_.add_option(name, target, help))->type_name(what);
  }

  void port(const char* name, std::uint16_t& target, const char* help) {
    declare(name, Setting::Number, app_.add_option(name, target, help))
        ->type_name("PORT")
        ->transform(decimal_number())
        ->check(CLI::Range(0, 65535));
  }

  void number(const char* name, const char* unit, std::uint32_t least, std::uint32_t& target,
              const char* help) {
    declare(name, Setting::Number, app_.add_option(name, target, help))
        ->type_name(unit)
        ->transform(decimal_number())
        ->check(CLI::Range(least, UINT32_MAX));
  }

  void signal(const char* name, int& target, const char* help) {
    auto* const option = app_.add_option_function<std::string>(
        name,
        [&target, name](const std::string& text) {
          const int number = signal_number(text);
          if (number == 0) {
            throw CLI::ValidationError(
                name, fmt::format("expected a signal such as TERM or INT, got {}", text));
          }
          target = number;
        },
        help);
    declare(name, Setting::Text, option)->type_name("SIGNAL");
  }

  void choice(const char* name, bool& target, const Words& words, const char* help) {
    auto* const option = app_.add_option_function<std::string>(
        name, [&target, words](const std::string& word) { target = word == words.yes; }, help);
    const bool is_on_off = std::string_view("on") == words.yes;
    declare(name, is_on_off ? Setting::OnOff : Setting::Text, option)
        ->type_name(fmt::format("{}|{}", words.yes, words.no))
        ->check(one_of({words.yes, words.no}));
  }

  void word(const char* name, std::initializer_list<std::string> words, std::string& target,
            const char* help) {
    declare(name, Setting::Text, app_.add_option(name, target, help))
        ->type_name(fmt::format("{}", fmt::join(words, "|")))
        ->check(one_of(words));
  }

  void ready_when(const char* name, ReadyWhen& target, const char* help) {
    auto* const option = app_.add_option_function<std::string>(
        name,
        [&target, name](const std::string& text) {
          try {
            target = parse_ready_when(text);
          } catch (const std::invalid_argument& error) {
            throw CLI::ValidationError(name, error.what());
          }
        },
        help);
    declare(name, Setting::Text, option)->type_name("http|tcp|notify|line:REGEX");
  }

  void flag(const char* name, bool& target, const char* help) {
    declare(name, Setting::Flag, app_.add_flag(name, target, help));
  }

  void negated_flag(const char* name, bool& target, const char* help) {
    auto* const option = app_.add_flag_callback(
        name, [&target] { target = false; }, help);
    declare(name, Setting::Flag, option);
  }

 private:
  void texts(const char* name, const char* what, std::vector<std::string>& target,
             std::string (*read)(const std::string&), const char* help) {
    auto* const option = app_.add_option_function<std::vector<std::string>>(
        name,
        [&target, read](const std::vector<std::string>& given) {
          for (const auto& text : given) target.push_back(read(text));
        },
        help);
    declare(name, Setting::Texts, option)
        ->type_name(what)
        ->expected(1, CLI::detail::expected_max_vector_size);
  }

  CLI::Option* declare_address(const char* name, Address& target, const char* help) {
    auto* const option = app_.add_option_function<std::string>(
        name, [&target, name](const std::string& text) { target = read_address(name, text); },
        help);
    return declare(name, Setting::Address, option)->type_name("");
  }

  CLI::Option* declare(const char* name, Setting setting, CLI::Option* option) {
    const std::string key = file_key(name);
    if (keys_ == Keys::New || file_.has(key)) file_.add(key, *option, setting);
    return option->group(group_);
  }

  static Address read_address(const char* name, const std::string& text) {
    try {
      return parse_address(text);
    } catch (const std::invalid_argument& error) {
      throw CLI::ValidationError(name, error.what());
    }
  }

  static std::string read_glob(const std::string& text) {
    try {
      return normalized_glob(text);
    } catch (const std::invalid_argument& error) {
      throw CLI::ValidationError(error.what());
    }
  }

  static std::string read_directory(const std::string& text) {
    if (text.empty()) throw CLI::ValidationError("'' is no directory");
    return text;
  }

  static std::string read_file_name(const std::string& text) {
    if (text.empty() || text.find('/') != std::string::npos) {
      throw CLI::ValidationError(
          fmt::format("'{}' is no file name: give the name of a program without its folder", text));
    }
    return text;
  }

  CLI::App& app_;
  OptionFile& file_;
  Keys keys_;
  std::string group_ = "Options";
};

bool takes_command(Program program) {
  return is_any(program, {Program::Launch, Program::Supervisord});
}

bool takes_run_directory(Program program) {
  return is_any(program, {Program::Proxyd, Program::Watchd, Program::Supervisord});
}

// hpp-launch passes the options of the file to its helpers. If the helpers read the file
// themselves, an edit would change the options of only one of them after a restart. Therefore
// --config is the only way to make a helper read a file.
bool reads_default_file(Program program) {
  return program == Program::Launch;
}

std::shared_ptr<OptionFile> declare_file(Program program, CLI::App& app) {
  auto* const option =
      app.set_config(kConfig, "",
                     fmt::format("file with options by their long names (default: {})",
                                 reads_default_file(program) ? kDefaultConfig : "none"));
  option->type_name("FILE")->take_last();
  auto file = std::make_shared<OptionFile>(*option);
  app.config_formatter(file);
  return file;
}

// Declares all options that a file may have. One file serves all programs. Each program checks all
// of its options, so that every program reports the same errors, and ignores those of the others.
struct Others {
  explicit Others(OptionFile& file) {
    Declarer declarer(app, file, Declarer::Keys::New);
    visit_options(Program::Launch, options, declarer);
    file.add_command(file_key(kExec), options.command);
  }

  CLI::App app;
  Options options;
};

// Returns the arguments in reverse order, as CLI11 expects them. The default file is passed as
// --config, because CLI11 would silently ignore an unreadable default file.
std::vector<std::string> arguments_of(Program program, const CLI::App& app,
                                      const char* const* begin, const char* const* end) {
  std::vector<std::string> words = words_for_cli11(app, {begin, end});
  if (reads_default_file(program) && ::access(kDefaultConfig, F_OK) == 0) {
    words.insert(words.begin(), {kConfig, kDefaultConfig});
  }
  std::reverse(words.begin(), words.end());
  return words;
}

// Whether hpp and the server would listen on the same port of this machine.
bool are_same(const Address& bind, const Address& backend) {
  const auto may_be_any = [](const std::string& host) {
    return is_wildcard(host) || host == "localhost";
  };
  if (backend.port == 0) return false;
  const bool may_overlap =
      bind.host == backend.host || may_be_any(bind.host) || may_be_any(backend.host);
  return bind.port == backend.port && may_overlap;
}

// A mistake whose message says what to write instead.
class Mistake : public CLI::ValidationError {
 public:
  explicit Mistake(const std::string& what) : CLI::ValidationError(what) {}
};

const char* const* find_exec(const char* const* begin, const char* const* end) {
  return std::find_if(begin, end,
                      [](std::string_view word) { return word == kExec || word == kShortExec; });
}

// Checks the rules between options. Throws CLI::ValidationError.
void check(Program program, const Options& options, bool has_exec) {
  if (takes_command(program) && options.command.empty()) {
    throw CLI::ValidationError(
        has_exec ? "--exec needs a command after it, such as --exec python3 app.py"
                 : "--exec COMMAND… is missing: the command that starts your server, as in --exec "
                   "python3 app.py");
  }
  if (takes_command(program) && options.command.front().empty()) {
    throw CLI::ValidationError("--exec needs the name of a program: the first word is empty");
  }
  const bool alone = program == Program::Proxyd && options.assume_running;
  if (takes_run_directory(program) && options.run_directory.empty() && !alone) {
    throw CLI::ValidationError(
        "--run-dir DIRECTORY is missing. All helpers of one instance need the same run directory");
  }
  if (!is_instance_name(options.name)) {
    throw CLI::ValidationError(
        "--name must have letters, digits, '.', '_' and '-' only, and not begin with '.' or '-'");
  }
  if (options.env_file.find('/') != std::string::npos) {
    throw CLI::ValidationError(
        "--env-file must be the name of a file directly in the project folder, such as .env");
  }
  if (options.keep_last_good && options.build.empty()) {
    throw CLI::ValidationError(
        "--keep-last-good needs --build COMMAND: it keeps the old server while the command runs");
  }
  if (options.socket && options.ready.is == ReadyWhen::Is::Connection) {
    throw CLI::ValidationError(
        "--ready tcp cannot be used with --socket, because connections are accepted before your "
        "server runs. Leave --ready out");
  }
  if (!options.ready_path.starts_with('/') ||
      options.ready_path.find_first_of(" \t\r\n") != std::string::npos) {
    throw CLI::ValidationError("--ready-path must begin with / and have no blanks in it");
  }
  if (options.trusted_host.find_first_of("/ \t\r\n,") != std::string::npos) {
    throw CLI::ValidationError(
        "--trust-host needs one name, such as app.example.dev or app.example.dev:8443, without "
        "https:// and without a path");
  }
  if (is_any(program, {Program::Launch, Program::Proxyd}) &&
      are_same(options.bind, options.backend)) {
    throw CLI::ValidationError(fmt::format(
        "BIND and BACKEND are the same address, {}. hpp listens on BIND, so your server needs "
        "another port, such as {}",
        to_string(options.backend),
        options.backend.port == 65535 ? 1024 : options.backend.port + 1));
  }
}

int print_version(Program program) {
  fmt::print("{} {}\n", program_name(program), HPP_VERSION);
  return 0;
}

// Creates or repairs a helper's run directory before the helper does anything else, so that a start
// that cannot succeed ends with one line.
void prepare_run_directory(const std::string& path) {
  if (path.empty()) return;
  const RunDirectory directory(path, log::warning_text);
}

// Throws CLI::ValidationError if the command line certainly does not mean what its author thinks.
void refuse_mistakes(const advice::CommandLine& line) {
  if (const auto mistake = advice::find_mistake(line)) throw Mistake(*mistake);
}

void refuse_mistakes_in_command(const Options& options) {
  if (const auto mistake = advice::find_mistake_in_command(look_up({options.command}))) {
    throw Mistake(*mistake);
  }
}

std::vector<std::string> all_hints(const advice::CommandLine& line, const Options& options) {
  std::vector<std::string> hints = advice::hints_on(line);
  for (auto& hint : {advice::reloader_hint(options.command),
                     advice::swapped_ports_hint(options.bind, options.backend, options.command)}) {
    if (!hint.empty()) hints.push_back(hint);
  }
  return hints;
}

// The text for an address that is missing. CLI11's text begins with the name.
std::string missing_text(Program program, std::string_view problem) {
  if (problem.starts_with("BACKEND")) {
    return "BACKEND is missing: the address of your server. Only hpp-launch chooses a free port. "
           "Write it on the command line, or as backend in hpp.toml";
  }
  if (!problem.starts_with("BIND")) return std::string(problem);
  return fmt::format("BIND is missing: the address for your browser. Write it first: {} 8000 …",
                     program_name(program));
}

// Returns the status for a wrong command line, and prints why it is wrong. The text may quote the
// hpp.toml of a cloned project, so control characters are replaced.
ParsedOptions refuse(Program program, const std::string& why, bool has_cure) {
  fmt::print(stderr, "{0}: error: {1}{2}\n", program_name(program), printable(why),
             has_cure ? "" : fmt::format(" (see {} --help)", program_name(program)));
  return {.options = {}, .exit_status = 2, .hints = {}};
}

log::Level finest_level(const Options& options) {
  if (options.debug) return log::Level::Debug;
  return options.verbose ? log::Level::Detail : log::Level::Info;
}

}  // namespace

ParsedOptions parse_options(Program program, int argc, const char* const* argv) {
  Options options;
  // CLI11 does not get the command after --exec, whose options it would take for hpp's.
  const auto* const end = argv + argc;
  const auto* const exec = takes_command(program) ? find_exec(argv + 1, end) : end;
  CLI::App app(description(program), program_name(program));
  app.set_help_flag("-h,--help", "show this help");
  app.set_version_flag("--version", HPP_VERSION, "show the version");
  app.footer(examples(program));
  // CLI11 does not know `--exec COMMAND…` (see above), so it is added to the help here.
  app.formatter(std::make_shared<HelpFormatter>(takes_command(program) ? " --exec COMMAND…" : ""));
  if (program == Program::Launch) {
    // hpp-launch handles `--init` alone before it parses its options (launch/propose.h).
    app.add_flag_callback(
        "--init",
        [] { throw CLI::ValidationError("--init takes no other words. Write: hpp-launch --init"); },
        "write hpp.toml for the project in this folder, and exit");
    // hpp-launch removes this word before it parses its options (launch/background.h).
    app.add_flag_callback(
        "--background", [] {},
        "start hpp in the background; return when your server answers, has failed, or "
        "needs longer than 60 s (--background=MS: than this time; 0: without a limit)");
  }
  const auto file = declare_file(program, app);
  const Others others(*file);
  Declarer declarer(app, *file, Declarer::Keys::Known);
  visit_options(program, options, declarer);
  if (takes_command(program)) file->add_command(file_key(kExec), options.command);
  const bool has_exec = exec != end;
  advice::CommandLine line;
  if (program == Program::Launch) {
    line = describe_command_line(
        app, {argv + 1, exec},
        has_exec ? std::optional(std::vector<std::string>(exec + 1, end)) : std::nullopt);
  }
  try {
    refuse_mistakes(line);
    app.parse(arguments_of(program, app, argv + 1, exec));
    if (has_exec) options.command.assign(exec + 1, end);
    check(program, options, has_exec);
    if (program == Program::Launch) refuse_mistakes_in_command(options);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return {};
  } catch (const CLI::CallForVersion&) {
    print_version(program);
    return {};
  } catch (const Mistake& mistake) {
    return refuse(program, mistake.what(), true);
  } catch (const CLI::RequiredError& error) {
    if (!file->error().empty()) return refuse(program, file->error(), false);
    const auto mistake = advice::explain_failure(line);
    return refuse(program, mistake.value_or(missing_text(program, error.what())),
                  mistake.has_value());
  } catch (const CLI::ParseError& error) {
    const auto mistake = advice::explain_failure(line);
    return refuse(program, mistake.value_or(error.what()), mistake.has_value());
  }
  if (program == Program::Supervisord) fill_in_port(options.command, options.backend.port);
  std::vector<std::string> hints;
  if (program == Program::Launch) hints = all_hints(line, options);
  return {.options = std::move(options), .exit_status = 0, .hints = std::move(hints)};
}

std::vector<std::string> arguments_for(Program program, const Options& options) {
  Emitter emitter;
  visit_options(program, options, emitter);
  std::vector<std::string> words = std::move(emitter).words();
  if (takes_command(program)) {
    words.emplace_back(kExec);
    words.insert(words.end(), options.command.begin(), options.command.end());
  }
  return words;
}

int run_program(Program program, int argc, char** argv, int (*run)(const Options&)) {
  clean_inherited_state();
  open_standard_descriptors();
  const ParsedOptions parsed = parse_options(program, argc, argv);
  if (!parsed.options) return parsed.exit_status;
  log::start(program_name(program), finest_level(*parsed.options));
  for (const std::string& hint : parsed.hints) log::warning("{}", hint);
  std::signal(SIGPIPE, SIG_IGN);
  // The helpers are in the terminal's background. After `stty tostop`, each line that they print
  // would stop them.
  std::signal(SIGTTOU, SIG_IGN);
  int exit_status = 1;
  try {
    leave_foreign_processes();
    prepare_run_directory(parsed.options->run_directory);
    exit_status = run(*parsed.options);
  } catch (const CannotStartNow& error) {
    log::error("{}", error.what());
    // hpp-launch has no service manager that would start it again, so it exits with 1.
    if (program != Program::Launch) exit_status = kTemporaryFailure;
  } catch (const std::exception& error) {
    log::error("{}", error.what());
  }
  log::finish();
  return exit_status;
}

}  // namespace hpp
