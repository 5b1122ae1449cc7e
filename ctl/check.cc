// The command check.
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/bus/output_log_reader.h"
#include "common/errors/explanation.h"
#include "common/os/file.h"
#include "common/text.h"
#include "ctl/commands.h"
#include "ctl/core/check_answer.h"
#include "ctl/core/failure.h"
#include "ctl/log_watch.h"
#include "ctl/print.h"
#include "ctl/snapshots.h"
#include "ctl/wait.h"

namespace hpp::ctl {
namespace {

using Milliseconds = std::chrono::milliseconds;

// The server's output takes another way than its answer. It is complete when none has come for
// kQuiet, except if it must explain an error of the server and does not do so yet. After
// kOutputPatience, what is there has to do.
constexpr Milliseconds kQuiet{50};
constexpr Milliseconds kOutputPatience{500};

// Collects the output that the server prints from now on.
class Printed {
 public:
  explicit Printed(const Instance& instance)
      : changes_(watch_log(instance.run_directory)),
        reader_(instance.run_directory, bus::Topic::Backend) {
    reader_.read();  // what was printed before
  }

  // Returns the output when it is complete. `has_all` says whether it contains what it must.
  std::string take(const std::function<bool(const std::string& output)>& has_all) {
    const auto end = std::chrono::steady_clock::now() + kOutputPatience;
    std::string log;
    for (;;) {
      log += reader_.read().value_or("");
      const auto quiet_at = std::chrono::steady_clock::now() + kQuiet;
      pollfd changed{.fd = changes_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&changed, 1, poll_time(std::min(end, quiet_at))) > 0) {
        read_all(changes_.get());
      } else if (std::string text = printed_text(log); is_over(end) || has_all(text)) {
        return text;
      }
    }
  }

 private:
  UniqueFd changes_;
  bus::OutputLogReader reader_;
};

CheckAnswer get(const Instance& instance, const CheckTarget& target, const Deadline& deadline) {
  for (const SocketAddress& place : resolve(address_of(instance))) {
    const auto response = ask(place, check_request(target), deadline);
    if (!response) continue;
    if (auto answer = read_check_answer(*response)) return *std::move(answer);
    break;
  }
  if (is_over(deadline)) {
    throw Failure(CommandStatus::TimedOut,
                  fmt::format("timed out: {} has not answered GET {}", instance.url, target.path));
  }
  throw Failure(
      CommandStatus::TryAgain,
      fmt::format("{} has ended the connection without an answer. Try again", instance.url));
}

// Finds the error in the output of a request that has failed in the server. The output of other
// requests may contain errors, too, so a successful request needs none.
class Explanation {
 public:
  Explanation(const Instance& instance, const CheckAnswer& answer)
      : is_needed_(is_server_error(answer)), directory_(instance.directory) {
    if (!is_needed_) return;
    if (const auto tree = read_snapshots(instance.run_directory).tree) roots_ = tree->other_roots;
  }

  // Whether the output contains the error, or needs none.
  bool find(const std::string& output) {
    if (is_needed_) error_ = errors::explain(output, directory_, roots_);
    return error_ || !is_needed_;
  }

  const std::optional<bus::BackendError>& error() const { return error_; }

 private:
  bool is_needed_;
  std::string directory_;
  std::vector<std::string> roots_;
  std::optional<bus::BackendError> error_;
};

int report_failure(const Instance& instance, const WaitAnswer& answer, bool json) {
  if (answer.decision == Decision::Unclear) {
    throw std::runtime_error(
        fmt::format("{} answers hpp-ctl with {}", instance.url, answer.status_line));
  }
  if (json) {
    print_json(wait_json(answer, instance.url));
  } else {
    print_text(stderr, answer.text);
  }
  return static_cast<int>(CommandStatus::Failed);
}

}  // namespace

int check(const Instance& instance, const CtlOptions& options) {
  const Deadline deadline = deadline_after(options.timeout_ms);
  const auto target = check_target(options.target, instance.url);
  if (!target) {
    throw Failure(CommandStatus::Usage,
                  fmt::format("{} is neither a path such as /cart nor a URL of {}",
                              printable(options.target), instance.url));
  }
  Printed printed(instance);
  const auto format = options.json ? WaitFormat::Json : WaitFormat::Text;
  const WaitAnswer wait = ask_until_answered(instance, format, deadline);
  if (wait.decision != Decision::Live) return report_failure(instance, wait, options.json);
  const CheckAnswer answer = get(instance, *target, deadline);
  Explanation explanation(instance, answer);
  const std::string output =
      printed.take([&](const std::string& text) { return explanation.find(text); });
  if (options.json) {
    const std::string url = fmt::format("http://{}{}", target->host, target->path);
    print_json(check_json(answer, url, explanation.error(), output));
  } else {
    print_text(stdout, check_text(answer, explanation.error(), output));
  }
  return static_cast<int>(is_good(answer) ? CommandStatus::Done : CommandStatus::Failed);
}

}  // namespace hpp::ctl
