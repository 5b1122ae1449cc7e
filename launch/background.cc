#include "launch/background.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/background_variable.h"
#include "common/exit_status.h"
#include "common/log.h"
#include "common/options.h"
#include "common/os/error.h"
#include "common/os/file.h"
#include "common/os/inherited.h"
#include "common/os/pipe.h"
#include "common/os/process_handle.h"
#include "common/os/program_directory.h"
#include "common/read_number.h"
#include "common/time_point.h"
#include "launch/helper_program.h"

namespace hpp::launch {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kBackgroundWord = "--background";
constexpr std::uint32_t kReadyTimeMs = 60'000;
constexpr const char* kLogName = "hpp.log";
// A log of this length, in bytes, is emptied. hpp writes a few lines per restart.
constexpr off_t kLogMax = 1024L * 1024;
// When hpp-ctl reports that hpp has ended: how long its process may take to end.
constexpr int kEndTimeMs = 2'000;

// Exit statuses of hpp-ctl wait, and of --background.
constexpr int kReady = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kTimedOut = 3;
constexpr int kNothingRuns = 4;

// The command line without --background.
struct Request {
  std::vector<std::string> words;  // begins with the program
  std::uint32_t time_ms = kReadyTimeMs;
  bool is_wanted = false;
  std::string mistake;  // or empty
};

Request read_request(int argc, char** argv) {
  Request request;
  bool is_command = false;  // the rest is the server's command
  for (int i = 0; i < argc; ++i) {
    const std::string_view word = argv[i];
    is_command = is_command || word == "--exec" || word == "--";
    const bool has_time = word.starts_with("--background=");
    if (is_command || (word != kBackgroundWord && !has_time)) {
      request.words.emplace_back(word);
      continue;
    }
    request.is_wanted = true;
    if (!has_time) continue;
    const auto text = word.substr(kBackgroundWord.size() + 1);
    const auto time_ms = read_number<std::uint32_t>(text);
    request.time_ms = time_ms.value_or(kReadyTimeMs);
    if (!time_ms) {
      request.mistake = fmt::format(
          "--background={} is wrong: write a time in milliseconds, such as --background=30000",
          text);
    }
  }
  return request;
}

class Wait {
 public:
  explicit Wait(std::uint32_t time_ms)
      : is_limited_(time_ms != 0), end_(now() + milliseconds(time_ms)) {}

  // Milliseconds for poll(2); -1 without a limit.
  int left_ms() const {
    if (!is_limited_) return -1;
    const auto left = std::chrono::ceil<milliseconds>(end_ - now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
  }

 private:
  static TimePoint now() { return std::chrono::steady_clock::now(); }

  bool is_limited_;
  TimePoint end_;
};

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

ExitStatus reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return exit_status_of(status);
}

// Whether `fd` becomes readable, or reaches its end, within the time.
bool is_readable_within(int fd, int time_ms) {
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  int count = 0;
  do {
    count = ::poll(&ready, 1, time_ms);
  } while (count < 0 && errno == EINTR);
  return count > 0;
}

// The hpp that runs in the background, as the program sees it that has started it.
class Started {
 public:
  // Starts it. Throws std::exception with one line for the user.
  Started(const Options& options, std::vector<std::string> words);

  // Waits until the server is ready, and prints the outcome. Returns the exit status.
  int wait(std::uint32_t time_ms);

 private:
  struct Answer {
    int exit_status;
    std::string text;  // stderr
  };

  void become(std::vector<std::string>& words, const Pipe& line, int no_input) const;
  Answer ask(int time_ms) const;
  int report_end();
  void print_where() const;

  std::string name_;
  std::string url_;
  std::string ctl_ = find_ctl_program();
  RunDirectory directory_;
  std::string first_log_name_ = fmt::format("{}.{}", kLogName, ::getpid());
  UniqueFd log_;
  UniqueFd line_;  // carries one byte when hpp listens
  pid_t pid_ = 0;
};

Started::Started(const Options& options, std::vector<std::string> words)
    : name_(options.name.empty() ? instance_name(options.bind) : options.name),
      url_(site_url(options.bind)),
      directory_(default_run_directory(name_), log::warning_text),
      log_(::openat(directory_.fd(), first_log_name_.c_str(),
                    O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)) {
  if (!log_.is_open()) throw_errno(fmt::format("cannot write {}/{}", directory_.path(), kLogName));
  const UniqueFd no_input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!no_input.is_open()) throw_errno("cannot open /dev/null");
  Pipe line = make_pipe();
  words.front() = program_directory() + "/hpp-launch";
  pid_ = ::fork();
  if (pid_ < 0) throw_errno("cannot fork");
  if (pid_ == 0) become(words, line, no_input.get());
  line_ = std::move(line.reader);
}

// In the child. Its own session has no controlling terminal, and SIGHUP stays ignored as under
// nohup(1). All other descriptors are close-on-exec.
void Started::become(std::vector<std::string>& words, const Pipe& line, int no_input) const {
  ::setsid();
  std::signal(SIGHUP, SIG_IGN);
  ::dup2(no_input, STDIN_FILENO);
  ::dup2(log_.get(), STDOUT_FILENO);
  ::dup2(log_.get(), STDERR_FILENO);
  ::fcntl(line.writer.get(), F_SETFD, 0);
  ::setenv(kBackgroundVariable, fmt::format("{}:{}", line.writer.get(), first_log_name_).c_str(),
           1);
  ::execv(words.front().c_str(), pointers_to(words).data());
  fmt::print(stderr, "hpp  error: cannot start {}: {}\n", words.front(), error_text(errno));
  std::fflush(stderr);
  ::_exit(kFailed);
}

int Started::wait(std::uint32_t time_ms) {
  const Wait wait(time_ms);
  bool is_late = !is_readable_within(line_.get(), wait.left_ms());
  char listening = 0;
  if (!is_late && ::read(line_.get(), &listening, 1) != 1) return report_end();
  Answer answer{.exit_status = kTimedOut, .text = {}};
  if (!is_late) answer = ask(wait.left_ms());
  if (answer.exit_status == kNothingRuns) {
    const ProcessHandle hpp = open_process(pid_);
    if (is_readable_within(hpp.pidfd.get(), kEndTimeMs)) return report_end();
  }
  switch (answer.exit_status) {
    case kReady:
      log::info("your server is ready: {}", url_);
      print_where();
      return kReady;
    case kTimedOut:
      log::error(
          "your server was not ready within {} ms. hpp goes on: hpp-ctl --name {} status "
          "shows the state, and hpp-ctl --name {} wait waits for it",
          time_ms, name_, name_);
      print_where();
      return kTimedOut;
    default:
      fmt::print(stderr, "{}{}", answer.text, answer.text.ends_with('\n') ? "" : "\n");
      std::fflush(stderr);
      log::error(
          "your server has failed. hpp goes on at {}, and starts it again after your next save",
          url_);
      print_where();
      return kFailed;
  }
}

// Runs hpp-ctl wait. A limit of 0 would be none.
Started::Answer Started::ask(int time_ms) const {
  std::vector<std::string> words{ctl_, "--run-dir", directory_.path(), "wait"};
  if (time_ms >= 0) {
    words.insert(words.end(), {"--timeout", std::to_string(std::max(time_ms, 1))});
  }
  Pipe pipe = make_pipe();
  const pid_t pid = ::fork();
  if (pid < 0) throw_errno("cannot fork");
  if (pid == 0) {
    ::dup2(pipe.writer.get(), STDERR_FILENO);
    ::execv(words.front().c_str(), pointers_to(words).data());
    ::_exit(kFailed);
  }
  pipe.writer.reset();
  std::string text = read_all(pipe.reader.get()).value_or("");
  const ExitStatus status = reap(pid);
  return {.exit_status = status.by_signal ? kFailed : status.number, .text = std::move(text)};
}

// hpp has ended before the server was ready. Its log says why.
int Started::report_end() {
  const ExitStatus status = reap(pid_);
  ::unlinkat(directory_.fd(), first_log_name_.c_str(), 0);
  ::lseek(log_.get(), 0, SEEK_SET);
  fmt::print(stderr, "{}", read_all(log_.get()).value_or(""));
  std::fflush(stderr);
  const bool has_said_why =
      !status.by_signal && (status.number == kFailed || status.number == kUsage);
  if (has_said_why) return status.number;
  log::error("hpp has ended before your server was ready: {}", to_string(status));
  return kFailed;
}

void Started::print_where() const {
  log::info("running in the background (pid {}). Stop it with hpp-ctl --name {} stop", pid_, name_);
  log::info("the output of your server: hpp-ctl --name {} log -f", name_);
  log::info("hpp's own lines: {}/{}", directory_.path(), kLogName);
}

int refuse_usage(std::string_view why) {
  fmt::print(stderr, "hpp-launch: error: {}\n", why);
  return kUsage;
}

}  // namespace

std::optional<int> start_in_background(int argc, char** argv) {
  Request request = read_request(argc, argv);
  if (!request.is_wanted) return std::nullopt;
  clean_inherited_state();
  if (!request.mistake.empty()) return refuse_usage(request.mistake);
  const std::vector<char*> words = pointers_to(request.words);
  const ParsedOptions parsed =
      parse_options(Program::Launch, static_cast<int>(request.words.size()), words.data());
  if (!parsed.options) return parsed.exit_status;
  if (parsed.options->interactive) {
    return refuse_usage(
        "--background and --interactive exclude each other, because a server in the background has "
        "no keyboard. Leave one of them out; --interactive may be in hpp.toml");
  }
  log::start("hpp-launch", log::Level::Info);
  for (const std::string& hint : parsed.hints) log::warning("{}", hint);
  std::signal(SIGPIPE, SIG_IGN);
  int exit_status = kFailed;
  try {
    exit_status = Started(*parsed.options, request.words).wait(request.time_ms);
  } catch (const std::exception& error) {
    log::error("{}", error.what());
  }
  log::finish();
  return exit_status;
}

InBackground::InBackground(std::string log_name, UniqueFd line)
    : first_log_name_(std::move(log_name)), line_(std::move(line)) {}

std::optional<InBackground> InBackground::take() {
  const char* const value = std::getenv(kBackgroundVariable);
  const std::string text = value == nullptr ? "" : value;
  ::unsetenv(kBackgroundVariable);
  const auto colon = text.find(':');
  const auto fd = read_number<int>(std::string_view(text).substr(0, colon));
  if (colon == std::string::npos || !fd) return std::nullopt;
  return InBackground(text.substr(colon + 1), UniqueFd(*fd));
}

void InBackground::name_log(const RunDirectory& directory) const {
  if (::renameat(directory.fd(), first_log_name_.c_str(), directory.fd(), kLogName) == 0) return;
  log::warning("this log keeps the name {}/{}: {}", directory.path(), first_log_name_,
               error_text(errno));
}

// If start_in_background() has ended, the byte is lost.
void InBackground::tell_listening() {
  const char listening = 1;
  if (line_.is_open()) [[maybe_unused]]
    const auto written = ::write(line_.get(), &listening, 1);
  line_.reset();
}

void InBackground::bound_log() const {
  struct stat info {};

  if (::fstat(STDERR_FILENO, &info) != 0 || info.st_size <= kLogMax) return;
  if (::ftruncate(STDERR_FILENO, 0) == 0) log::info("this log was too long: it begins again");
}

}  // namespace hpp::launch
