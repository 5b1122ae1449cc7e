#include "common/options.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

using Words = std::vector<std::string>;

ParsedOptions parse(Program program, const Words& words) {
  std::vector<const char*> argv{program_name(program)};
  for (const auto& word : words) argv.push_back(word.c_str());
  return parse_options(program, static_cast<int>(argv.size()), argv.data());
}

Options must_parse(Program program, const Words& words) {
  const ParsedOptions parsed = parse(program, words);
  EXPECT_TRUE(parsed.options.has_value());
  return parsed.options.value_or(Options{});
}

// The options of hpp-launch with two addresses, these words and a command.
Options launch(Words words) {
  words.insert(words.begin(), {"1", "2"});
  words.insert(words.end(), {"--exec", "x"});
  return must_parse(Program::Launch, words);
}

// Checks that hpp-launch refuses each of these words between the others.
void expect_refused(const Words& all, const Words& before = {}, const Words& behind = {}) {
  for (const std::string& wrong : all) {
    Words words{"1", "2"};
    words.insert(words.end(), before.begin(), before.end());
    words.push_back(wrong);
    words.insert(words.end(), behind.begin(), behind.end());
    words.insert(words.end(), {"--exec", "x"});
    EXPECT_EQ(parse(Program::Launch, words).exit_status, 2) << wrong;
  }
}

struct Refusal {
  const char* text;
  const char* expected;
};

// Checks that the words are refused in one line that contains `expected`.
void expect_error(Program program, const Words& words, const std::string& expected) {
  testing::internal::CaptureStderr();
  const ParsedOptions parsed = parse(program, words);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_FALSE(parsed.options.has_value()) << expected;
  EXPECT_EQ(parsed.exit_status, 2) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  EXPECT_TRUE(said.starts_with(program_name(program))) << said;
  EXPECT_NE(said.find(expected), std::string::npos) << "expected " << expected << ": " << said;
}

constexpr Program kPrograms[] = {Program::Launch, Program::Proxyd, Program::Watchd,
                                 Program::Supervisord};

// All options of hpp-launch and its helpers, none with its default value.
Options full() {
  return {
      .bind = {"::1", 8000},
      .backend = {"127.0.0.1", 8001},
      .patterns = {"src/**/*.py", "-dash", "with space"},
      .excludes = {"**/test_*"},
      .css = {"**/*.css"},
      .reload = {"static/**", "-dash"},
      .roots = {"../shared", "-dash"},
      .default_excludes = false,
      .watcher = "poll",
      .poll_interval_ms = 250,
      .command = {"python3", "-c", "print('x')", "--exec", "", "--debug"},
      .env_file = ".env",
      .manual = true,
      .settle_ms = 150,
      .build_daemons = {"daemon.py", "-dash"},
      .retries = 3,
      .ready = {.is = ReadyWhen::Is::Line, .regex = "on port [0-9]+ = 'x'"},
      .interactive = true,
      .clear = true,
      .name = "mine",
      .run_directory = "/run/user/1/hpp/mine",
      .inject = true,
      .assume_running = false,
      .debug = true,
  };
}

TEST(Options, OfTheReadmeAreParsed) {
  const Options options =
      must_parse(Program::Launch,
                 {"localhost:8000", "8001", "--pattern", "src/**/*", "--exclude", "src/**/test_*",
                  "--exec", "python", "./manage.py", "runserver", "--noreload", "8001"});
  const Options expected{
      .bind = {"localhost", 8000},
      .backend = {"localhost", 8001},
      .patterns = {"src/**/*"},
      .excludes = {"src/**/test_*"},
      .command = {"python", "./manage.py", "runserver", "--noreload", "8001"},
  };
  EXPECT_EQ(options, expected);
}

TEST(Options, GlobsAreListedAfterOneOptionOrSeveral) {
  const Options options =
      must_parse(Program::Launch, {"-p", "a", "b", "-x", "c", "-p", "./d", "--pattern=e", "-x", "f",
                                   "g", "--debug", "1", "2", "--exec", "x"});
  EXPECT_EQ(options.patterns, (Words{"a", "b", "d", "e"}));
  EXPECT_EQ(options.excludes, (Words{"c", "f", "g"}));
  EXPECT_TRUE(options.debug);
}

TEST(Options, GlobsOfFilesForBrowsersAreParsed) {
  const Options options =
      launch({"--css", "./a.css", "b/*.css", "--reload", "**/*.html", "--css=c.css"});
  EXPECT_EQ(options.css, (Words{"a.css", "b/*.css", "c.css"}));
  EXPECT_EQ(options.reload, Words{"**/*.html"});
  expect_refused({"--css", "--css=a/../b.css", "--reload=[", "--reload=../"});
}

TEST(Options, HppLaunchNeedsNoBackend) {
  EXPECT_EQ(must_parse(Program::Launch, {"8000", "--exec", "x", "{PORT}"}).backend.port, 0);
  EXPECT_EQ(must_parse(Program::Launch, {"8000", "8001", "--exec", "x", "{PORT}"}).command,
            (Words{"x", "{PORT}"}));
  EXPECT_EQ(must_parse(Program::Supervisord, {"8001", "--run-dir", "/x", "--exec", "x", "{PORT}"})
                .command,
            (Words{"x", "8001"}));
}

TEST(Options, TwoDashesMeanExec) {
  EXPECT_EQ(must_parse(Program::Launch, {"1", "2", "-p", "a", "--", "x", "--exec", "--"}).command,
            (Words{"x", "--exec", "--"}));
  EXPECT_EQ(must_parse(Program::Supervisord, {"2", "--run-dir", "/x", "--", "x"}).command,
            Words{"x"});
}

TEST(Options, TheCommandIsNotParsed) {
  const Options options =
      must_parse(Program::Launch, {"1", "2", "--exec", "x", "--help", "-p", "[", "--exec", "--"});
  EXPECT_EQ(options.command, (Words{"x", "--help", "-p", "[", "--exec", "--"}));
  EXPECT_TRUE(options.patterns.empty());
}

// An option that a program does not have keeps its default. All others arrive unchanged.
TEST(Options, ReachEachHelperUnchanged) {
  for (const Program program : kPrograms) {
    Options expected = full();
    if (program == Program::Launch) expected.run_directory.clear();
    if (program != Program::Launch) expected.name.clear();
    if (program == Program::Watchd) {
      expected.bind = {};
      expected.backend = {};
      expected.command.clear();
    }
    if (program == Program::Proxyd) {
      expected.command.clear();
      expected.env_file.clear();
    }
    if (program == Program::Proxyd || program == Program::Watchd) {
      expected.interactive = expected.clear = false;
      expected.build_daemons.clear();
      expected.ready = {};
      expected.manual = false;
      expected.settle_ms = 0;
      expected.retries = 0;
    }
    if (program == Program::Supervisord) expected.bind = {};
    if (program == Program::Proxyd || program == Program::Supervisord) {
      expected.patterns.clear();
      expected.excludes.clear();
      expected.css.clear();
      expected.reload.clear();
      expected.roots.clear();
      expected.default_excludes = true;
      expected.watcher = "auto";
      expected.poll_interval_ms = 500;
    }
    if (program == Program::Watchd || program == Program::Supervisord) expected.inject = false;
    EXPECT_EQ(must_parse(program, arguments_for(program, full())), expected)
        << program_name(program);
  }
}

TEST(Options, DefaultsReachEachHelper) {
  for (const Program program : kPrograms) {
    Options options{.bind = {"localhost", 1}, .backend = {"localhost", 2}, .command = {"x"}};
    if (program != Program::Launch) options.run_directory = "/x";
    const Options parsed = must_parse(program, arguments_for(program, options));
    EXPECT_EQ(arguments_for(program, parsed), arguments_for(program, options));
    EXPECT_FALSE(parsed.debug);
    EXPECT_TRUE(parsed.default_excludes);
  }
}

TEST(Options, OfOtherMachinesAndNamesReachTheProxy) {
  const Options options = launch({"--lan", "--trust-host", "app.example.dev:8443", "--no-inspect"});
  for (const Options& parsed : {options, must_parse(Program::Proxyd, [&] {
                                  Options proxys = options;
                                  proxys.run_directory = "/x";
                                  return arguments_for(Program::Proxyd, proxys);
                                }())}) {
    EXPECT_TRUE(parsed.lan);
    EXPECT_EQ(parsed.trusted_host, "app.example.dev:8443");
    EXPECT_FALSE(parsed.inspect);
  }
  expect_refused({"https://app.example.dev", "app.example.dev/x", "a.example,b.example"},
                 {"--trust-host"});
}

TEST(Options, LimitsOfTheProxyAreParsed) {
  const Options options = launch({"--barrier", "off", "--barrier-timeout", "300", "--queue-limit",
                                  "3", "--queue-timeout", "200", "--expose-errors"});
  EXPECT_FALSE(options.barrier);
  EXPECT_EQ(options.barrier_timeout_ms, 300U);
  EXPECT_EQ(options.queue_limit, 3U);
  EXPECT_EQ(options.queue_timeout_ms, 200U);
  EXPECT_TRUE(options.expose_errors);
  const Options parsed = must_parse(Program::Proxyd, [&] {
    Words words = arguments_for(Program::Proxyd, options);
    words.insert(words.end(), {"--run-dir", "/x"});
    return words;
  }());
  EXPECT_FALSE(parsed.barrier);
  EXPECT_EQ(parsed.queue_timeout_ms, 200U);
  EXPECT_TRUE(parsed.expose_errors);
  EXPECT_TRUE(launch({}).barrier);
  expect_refused({"--barrier=maybe", "--barrier-timeout=0", "--barrier-timeout=-1",
                  "--queue-limit=0", "--queue-limit=x", "--queue-timeout=1.5",
                  "--queue-timeout=4294967296"});
}

TEST(Options, StopSignalAndTimeoutAreParsed) {
  for (const char* const name : {"TERM", "SIGTERM", "term", "SigTerm"}) {
    const Options options = launch({"--stop-signal", name, "--stop-timeout", "50"});
    EXPECT_EQ(options.stop_signal, SIGTERM) << name;
    EXPECT_EQ(options.stop_timeout_ms, 50U);
    Words words = arguments_for(Program::Supervisord, options);
    words.insert(words.begin(), {"--run-dir", "/x"});
    const Options passed = must_parse(Program::Supervisord, words);
    EXPECT_EQ(passed.stop_signal, SIGTERM);
    EXPECT_EQ(passed.stop_timeout_ms, 50U);
  }
  EXPECT_EQ(launch({}).stop_signal, SIGKILL);
  expect_refused({"--stop-signal=", "--stop-signal=NONE", "--stop-signal=15", "--stop-signal=SIG",
                  "--stop-timeout=0", "--stop-timeout=-1"});
}

TEST(Options, ProxydNeedsNoRunDirectoryIfItAssumesRunning) {
  const Options options = must_parse(Program::Proxyd, {"1", "2", "--assume-running"});
  EXPECT_TRUE(options.assume_running);
  EXPECT_EQ(must_parse(Program::Proxyd, arguments_for(Program::Proxyd, options)), options);
}

TEST(Options, ErrorsAreOneLineThatNamesWhatWasExpected) {
  struct Case {
    Program program;
    Words words;
    const char* expected;
  };

  using enum Program;
  const Case cases[] = {
      {Launch, {}, "BIND"},
      {Launch, {"8000", "8001"}, "--exec"},
      {Launch, {"8000", "8001", "--exec"}, "--exec needs a command"},
      {Launch, {"8000", "8001", "8002", "--exec", "x"}, "8002"},
      {Launch, {"8000", "8000", "--exec", "x"}, "same address"},
      {Launch, {"host:", "8001", "--exec", "x"}, "'host:'"},
      {Launch, {"8000", "::1:8001", "--exec", "x"}, "brackets"},
      {Launch, {"8000", "8001", "-p", "[", "--exec", "x"}, "'['"},
      {Launch, {"8000", "8001", "-x", "a/..", "--exec", "x"}, "'a/..'"},
      {Launch, {"8000", "8001", "-p", "--exec", "x"}, "--pattern"},
      {Launch, {"8000", "8001", "--bogus", "--exec", "x"}, "--bogus"},
      {Launch, {"8000", "8001", "--run-dir", "/x", "--exec", "x"}, "--run-dir"},
      {Launch, {"8000", "8001", "--name", "a/b", "--exec", "x"}, "--name"},
      {Launch, {"8000", "8001", "--name", "..", "--exec", "x"}, "--name"},
      {Proxyd, {"8000", "8001"}, "--run-dir"},
      {Proxyd, {"8000", "8000", "--run-dir", "/x"}, "same address"},
      {Proxyd, {"--run-dir", "/x", "8000"}, "BACKEND"},
      {Proxyd, {"8000", "8001", "--run-dir", "/x", "--exec", "x"}, "--exec"},
      {Watchd, {}, "--run-dir"},
      {Watchd, {"--run-dir", "/x", "8000"}, "8000"},
      {Supervisord, {"8001", "--run-dir", "/x"}, "--exec"},
      {Supervisord, {"--run-dir", "/x", "--exec", "x"}, "BACKEND"},
      {Supervisord, {"8001", "-p", "x", "--run-dir", "/x", "--exec", "x"}, "-p"},
  };
  for (const auto& [program, words, expected] : cases) {
    expect_error(program, words, expected);
    expect_error(program, words, "--help");
  }
}

// A file of options that --config names.
class ConfiguredOptions : public testing::Test {
 protected:
  void write(const std::string& text) const { std::ofstream(path_) << text; }

  ParsedOptions parse_with_file(Words words = {}) const {
    words.insert(words.begin(), {"--config", path_});
    return parse(Program::Launch, words);
  }

  Options must_parse_with_file(const Words& words = {}) const {
    const ParsedOptions parsed = parse_with_file(words);
    EXPECT_TRUE(parsed.options.has_value());
    return parsed.options.value_or(Options{});
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "hpp.toml";
};

TEST_F(ConfiguredOptions, HaveTheSameValuesAsOnTheCommandLine) {
  write(
      "bind = '[::1]:8000'\n"
      "backend = 8001\n"
      "pattern = ['./src/**/*', '[ab]', 'a,b']\n"
      "exclude = '**/test_*'\n"
      "no-default-excludes = true\n"
      "livereload-port = 0\n"
      "barrier = false\n"
      "barrier-timeout = 300\n"
      "watcher = 'poll'\n"
      "poll-interval = 250\n"
      "queue-limit = 10_000\n"
      "queue-timeout = 5\n"
      "stop-signal = 'TERM'\n"
      "stop-timeout = 50\n"
      "name = 'mine'\n"
      "debug = true\n"
      "exec = ['python3', '-c', '[1,2]', '', '--debug']\n");
  const Options expected{
      .bind = {"::1", 8000},
      .backend = {"localhost", 8001},
      .patterns = {"src/**/*", "[ab]", "a,b"},
      .excludes = {"**/test_*"},
      .default_excludes = false,
      .watcher = "poll",
      .poll_interval_ms = 250,
      .command = {"python3", "-c", "[1,2]", "", "--debug"},
      .stop_signal = SIGTERM,
      .stop_timeout_ms = 50,
      .name = "mine",
      .livereload_port = 0,
      .barrier = false,
      .barrier_timeout_ms = 300,
      .queue_limit = 10'000,
      .queue_timeout_ms = 5,
      .debug = true,
  };
  EXPECT_EQ(must_parse_with_file(), expected);
}

TEST_F(ConfiguredOptions, IncludeEveryOptionOfHppLaunch) {
  write("bogus = 1\n");
  testing::internal::CaptureStderr();
  parse_with_file();
  const std::string said = testing::internal::GetCapturedStderr();
  Words keys{"bind", "backend", "exec"};
  for (const std::string& word : arguments_for(Program::Launch, full())) {
    if (word == "--exec") break;
    if (word.starts_with("--")) keys.push_back(word.substr(2, word.find('=') - 2));
  }
  for (const auto& key : keys) EXPECT_NE(said.find(key), std::string::npos) << key << ": " << said;
}

TEST_F(ConfiguredOptions, TheCommandLineTakesPrecedence) {
  write(
      "bind = 1\nbackend = 2\npattern = ['a', 'b']\nexclude = 'c'\nbarrier = 'off'\n"
      "queue-limit = 5\nname = 'file'\nexec = 'x y'\n");
  const Options options =
      must_parse_with_file({"3", "-p", "d", "--barrier", "on", "--name=line", "--exec", "z"});
  EXPECT_EQ(options.bind.port, 3);
  EXPECT_EQ(options.backend.port, 2);
  EXPECT_EQ(options.patterns, Words{"d"});
  EXPECT_EQ(options.excludes, Words{"c"});
  EXPECT_TRUE(options.barrier);
  EXPECT_EQ(options.queue_limit, 5U);
  EXPECT_EQ(options.name, "line");
  EXPECT_EQ(options.command, Words{"z"});
}

TEST_F(ConfiguredOptions, ACommandInOneStringIsSplit) {
  write("bind = 1\nbackend = 2\nexec = \"python3 'my app.py' --port 2\"\n");
  EXPECT_EQ(must_parse_with_file().command, (Words{"python3", "my app.py", "--port", "2"}));
}

TEST_F(ConfiguredOptions, DefaultValuesInTheFileChangeNothing) {
  write(
      "bind = 1\nbackend = 2\nexec = 'x'\npattern = []\ndebug = false\nbarrier = true\n"
      "no-default-excludes = false\n");
  const Options expected{.bind = {"localhost", 1}, .backend = {"localhost", 2}, .command = {"x"}};
  EXPECT_EQ(must_parse_with_file(), expected);
}

TEST_F(ConfiguredOptions, ErrorsNameTheLine) {
  const Refusal cases[] = {
      {"", "BIND"},
      {"bind = 1\nbackend = 2\n", "--exec COMMAND… is missing"},
      {"bind = 1\nbackend = 2\nexec = ['']\n", "the first word is empty"},
      {"bind = 1\nbackend = 1\nexec = 'x'\n", "same address"},
      {"\npatern = 'x'\n", ":2: there is no option 'patern'. Did you mean pattern?"},
      {"bogus = 1\n", ":1: there is no option 'bogus'; expected one of backend, barrier"},
      {"config = 'x'\n", ":1: there is no option 'config'"},
      {"run-dir = 'x'\n", ":1: there is no option 'run-dir'"},
      {"Bind = 1\n", ":1: there is no option 'Bind'"},
      {"\nbind = [1\n", ":2: expected a string"},
      {"\nbind = true\n", ":2: bind: expected \"HOST:PORT\" or a port number, got a boolean"},
      {"bind = 'x'\n", ":1: BIND: 'x' has no port. Write HOST:PORT"},
      {"bind = 65536\n", ":1: BIND: '"},
      {"pattern = 1\n", ":1: pattern: expected a string or an array of strings, got a number"},
      {"pattern = [\n'a',\n'b/../c']\n", ":1: "},
      {"exclude = '['\n", ":1: bad glob '['"},
      {"debug = 'yes'\n", ":1: debug: expected true or false, got a string"},
      {"no-default-excludes = 1\n", ":1: no-default-excludes: expected true or false"},
      {"barrier = 1\n", ":1: barrier: expected \"on\" or \"off\", got a number"},
      {"barrier = 'maybe'\n", ":1: --barrier"},
      {"queue-limit = '5'\n", ":1: queue-limit: expected a whole number, got a string"},
      {"queue-limit = 0\n", ":1: --queue-limit"},
      {"ready = 'line:a('\n",
       ":1: --ready: the regular expression is not valid at character 2 of a(: "},
      {"queue-timeout = -1\n", ":1: --queue-timeout"},
      {"livereload-port = 65536\n", ":1: --livereload-port"},
      {"stop-signal = 15\n", ":1: stop-signal: expected a string, got a number"},
      {"stop-signal = 'X'\n", ":1: --stop-signal: expected a signal such as TERM or INT, got X"},
      {"name = ['a']\n", ":1: name: expected a string, got an array"},
      {"exec = 5\n", ":1: exec: expected an array of strings"},
      {"exec = []\n", ":1: exec: expected a command, got none"},
      {"exec = ' '\n", ":1: exec: expected a command, got none"},
      {"exec = 'a | b'\n", ":1: exec: | needs a shell"},
      {"debug = true\nname = 'x'\ndebug = true\n", ":3: 'debug' has a value already, in line 1"},
  };
  for (const auto& [text, expected] : cases) {
    write(text);
    expect_error(Program::Launch, {"--config", path_},
                 expected[0] == ':' ? path_ + expected : expected);
  }
}

TEST_F(ConfiguredOptions, AnUnreadableFileIsAnError) {
  for (const std::string& path : {directory_ / "none", directory_.path()}) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(parse(Program::Launch, {"--config", path, "1", "2", "--exec", "x"}).exit_status, 2);
    EXPECT_NE(testing::internal::GetCapturedStderr().find(path), std::string::npos);
  }
  write(std::string(1024 * 1024 + 1, '#'));
  EXPECT_EQ(parse_with_file({"1", "2", "--exec", "x"}).exit_status, 2);
}

TEST_F(ConfiguredOptions, HelpIsShownDespiteAnInvalidFile) {
  write("patern = 'x'\n");
  for (const char* const word : {"--help", "--version"}) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(parse_with_file({word}).exit_status, 0);
    EXPECT_NE(testing::internal::GetCapturedStdout(), "");
  }
}

// A service manager starts all helpers with the same file.
TEST_F(ConfiguredOptions, EachHelperReadsItsOwnOptions) {
  write(
      "bind = '[::1]:8000'\nbackend = '127.0.0.1:8001'\nname = 'mine'\ndebug = true\n"
      "pattern = ['src/**/*.py', '-dash', 'with space']\nexclude = '**/test_*'\n"
      "css = '**/*.css'\nreload = ['static/**', '-dash']\nroot = ['../shared', '-dash']\n"
      "no-default-excludes = true\nwatcher = 'poll'\npoll-interval = 250\n"
      "build-daemon = ['daemon.py', '-dash']\n"
      "ready = \"line:on port [0-9]+ = 'x'\"\n"
      "manual = true\nsettle = 150\nretry = 3\nenv-file = '.env'\ninteractive = true\nclear = "
      "true\ninject = "
      "true\nexec = "
      "['python3', '-c', "
      "\"print('x')\", "
      "'--exec', '', "
      "'--debug']\n");
  for (const Program program : {Program::Proxyd, Program::Watchd, Program::Supervisord}) {
    const Options read =
        must_parse(program, {"--config", path_, "--run-dir", "/run/user/1/hpp/mine"});
    EXPECT_EQ(read, must_parse(program, arguments_for(program, full()))) << program_name(program);
  }
  EXPECT_EQ(must_parse(Program::Supervisord,
                       {"3", "--config", path_, "--run-dir", "/x", "--exec", "y", "z"})
                .command,
            (Words{"y", "z"}));
}

TEST_F(ConfiguredOptions, EachProgramChecksAllOptions) {
  const Refusal cases[] = {
      {"patern = 'x'\n", ":1: there is no option 'patern'"},
      {"exclude = '['\n", ":1: bad glob '['"},
      {"bind = 'x'\n", ":1: BIND: '"},
      {"queue-limit = 0\n", ":1: --queue-limit"},
      {"ready = 'line:a('\n",
       ":1: --ready: the regular expression is not valid at character 2 of a(: "},
      {"exec = []\n", ":1: exec: expected a command, got none"},
      {"run-dir = '/x'\n", ":1: there is no option 'run-dir'"},
      {"assume-running = true\n", ":1: there is no option 'assume-running'"},
  };
  for (const auto& [text, expected] : cases) {
    for (const Program program : {Program::Proxyd, Program::Watchd, Program::Supervisord}) {
      write(text);
      expect_error(program, {"--config", path_, "--run-dir", "/x"}, path_ + expected);
    }
  }
}

TEST(Options, GlobsInBracketsAreOneWord) {
  EXPECT_EQ(launch({"-p", "[ab]", "[a,b]"}).patterns, (Words{"[ab]", "[a,b]"}));
}

TEST(Options, OtherOptionsMayContainBrackets) {
  const Options options = launch({"--build", "[ -f app.txt ]", "-p", "[ab]", "-x[cd]"});
  EXPECT_EQ(options.build, "[ -f app.txt ]");
  EXPECT_EQ(options.patterns, Words{"[ab]"});
  EXPECT_EQ(options.excludes, Words{"[cd]"});
  EXPECT_EQ(launch({"--build=[ x ]"}).build, "[ x ]");
}

// Otherwise `--css --debug` would take --debug for a glob.
TEST(Options, AValueThatLooksLikeAnOptionIsRefused) {
  for (const char* const name :
       {"--pattern", "--exclude", "--css", "--reload", "--root", "--build-daemon", "--build",
        "--name", "--queue-limit", "--stop-signal", "--barrier", "--config"}) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(parse(Program::Launch, {"1", "2", name, "--debug", "--exec", "x"}).exit_status, 2);
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                testing::HasSubstr(fmt::format(
                    "{0} needs a value, and --debug looks like another option. If it is meant as "
                    "a value, write {0}=--debug (see",
                    name)));
  }
  expect_refused({"-x", "--unknown"}, {"-p"});
  Options options = launch({"-p", "-", "--css=--debug", "--build=-x"});
  EXPECT_EQ(options.patterns, Words{"-"});
  EXPECT_EQ(options.css, Words{"--debug"});
  options.run_directory = "-r";
  const Words words = arguments_for(Program::Supervisord, options);
  EXPECT_EQ(must_parse(Program::Supervisord, words).build, "-x");
}

TEST(Options, TheServerIsReadyWhenItSaysSo) {
  EXPECT_EQ(launch({"--ready", "line:^[a-z]+ \\{ready\\}\\b"}).ready,
            (ReadyWhen{.is = ReadyWhen::Is::Line, .regex = "^[a-z]+ \\{ready\\}\\b"}));
  EXPECT_EQ(launch({"--ready=notify", "--socket"}).ready.is, ReadyWhen::Is::Message);
  EXPECT_EQ(launch({"--ready=line:[a]"}).ready.regex, "[a]");
  EXPECT_EQ(launch({}).ready, ReadyWhen{});
  expect_refused({"tcp"}, {"--socket", "--ready"});
  expect_refused({"", "line", "line:", "line:[", "Listening", "HTTP"}, {"--ready"});
}

TEST(Options, BuildDaemonsMustBeFileNames) {
  const Options options = launch({"--build-daemon", "a.js", "b"});
  EXPECT_EQ(options.build_daemons, (Words{"a.js", "b"}));
  expect_refused({"bin/a"}, {"--build-daemon"});
}

TEST(Options, AnEmptyValueIsAValue) {
  const Options options = launch({"--build=", "--debug", "--name="});
  EXPECT_EQ(options.build, "");
  EXPECT_EQ(options.name, "");
  EXPECT_TRUE(options.debug);
  expect_refused({"--pattern=", "--build-daemon=", "--queue-limit=", "--ready-path=", "--barrier=",
                  "--stop-signal=", "--livereload-port="},
                 {}, {"--debug"});
}

TEST(Options, NumbersAreDecimal) {
  const Options options =
      launch({"--queue-limit", "010", "--livereload-port=0035729", "--queue-timeout", "000"});
  EXPECT_EQ(options.queue_limit, 10U);
  EXPECT_EQ(options.livereload_port, 35729);
  EXPECT_EQ(options.queue_timeout_ms, 0U);
  expect_refused({"0x10", "1e3", "+5", "-5", " 5", "5 ", "4294967296", "0"}, {"--queue-limit"});
}

TEST(Options, NamesMustBePlain) {
  EXPECT_EQ(launch({"--name", "a.B_c-1"}).name, "a.B_c-1");
  expect_refused({"a/b", ".hidden", "-dash", "a b", "$(id)", "ä", "a\n", ".."}, {"--name"});
}

TEST(Options, HelpShowsExamplesAndEveryOption) {
  for (const Program program : kPrograms) {
    testing::internal::CaptureStdout();
    const ParsedOptions parsed = parse(program, {"--help"});
    const std::string said = testing::internal::GetCapturedStdout();
    EXPECT_FALSE(parsed.options.has_value());
    EXPECT_EQ(parsed.exit_status, 0);
    EXPECT_NE(said.find("Example"), std::string::npos) << said;
    for (const std::string& word : arguments_for(program, full())) {
      if (word == "--exec") break;  // the command follows
      if (!word.starts_with("--")) continue;
      const std::string option = word.substr(0, word.find('='));
      EXPECT_NE(said.find(option), std::string::npos) << option << " is missing in: " << said;
    }
  }
}

TEST(Options, VersionIsPrinted) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(parse(Program::Launch, {"--version"}).exit_status, 0);
  EXPECT_TRUE(testing::internal::GetCapturedStdout().starts_with("hpp-launch "));
}

}  // namespace
}  // namespace hpp
