#include "ctl/wait.h"

#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <stdexcept>

#include "common/address.h"
#include "common/os/run_directory.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/core/failure.h"
#include "ctl/core/wait_answer.h"
#include "ctl/instances.h"
#include "ctl/lock_holder.h"
#include "ctl/print.h"

namespace hpp::ctl {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::string_view kScheme = "http://";
constexpr const char* kEnded = "hpp has ended";
// How long to wait before another attempt if no program listens yet (hpp has just been started).
constexpr Milliseconds kAskAgain{20};

// Waits for kAskAgain. Returns true if the instance has ended by then.
bool ends_soon(const Instance& instance, const std::optional<LockHolder>& launcher) {
  pollfd ended{.fd = launcher ? launcher->pidfd() : -1, .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, static_cast<int>(kAskAgain.count())) > 0) return true;
  return !launcher && !is_running(instance);
}

std::string lag_warning(std::uint64_t lag_ms) {
  return fmt::format(
      "hpp-ctl: warning: a save of the last {} s may not be live yet, because a look at all files "
      "takes too long to wait for it\n",
      lag_ms / 1000);
}

}  // namespace

Deadline deadline_after(std::uint32_t timeout_ms) {
  if (timeout_ms == 0) return std::nullopt;
  return std::chrono::steady_clock::now() + Milliseconds{timeout_ms};
}

Address address_of(const Instance& instance) {
  if (!instance.url.starts_with(kScheme)) {
    throw Failure(
        CommandStatus::TryAgain,
        fmt::format("{} has no snapshot of hpp-proxyd, so hpp's address is unknown. If hpp has "
                    "just been started, try again",
                    instance.run_directory));
  }
  return parse_address(std::string_view(instance.url).substr(kScheme.size()));
}

// Each request takes a ticket when it arrives (proxyd/core/barrier.h), so its answer accounts for
// every save made before it. Therefore the request can be repeated if proxyd dies before it
// answers.
WaitAnswer ask_until_answered(const Instance& instance, WaitFormat format,
                              const Deadline& deadline) {
  const auto launcher = LockHolder::find(run_lock_path(instance.run_directory));
  const Address address = address_of(instance);
  const std::vector<SocketAddress> places = resolve(address);
  const std::string request = wait_request(to_string(address), format);
  if (instance.keeper == Keeper::Launch && !launcher)
    throw Failure(CommandStatus::NothingRuns, kEnded);
  for (;;) {
    for (const SocketAddress& place : places) {
      const auto response = ask(place, request, deadline);
      if (!response) continue;
      if (auto answer = read_wait_answer(*response)) return *answer;
      break;
    }
    if (is_over(deadline))
      throw Failure(CommandStatus::TimedOut,
                    "timed out: your save is not live yet, and it has not failed (hpp-ctl status "
                    "shows the state)");
    if (ends_soon(instance, launcher)) throw Failure(CommandStatus::NothingRuns, kEnded);
  }
}

int wait(const Instance& instance, const CtlOptions& options) {
  const Deadline deadline = deadline_after(options.timeout_ms);
  const auto format = options.json ? WaitFormat::Json : WaitFormat::Text;
  const WaitAnswer answer = ask_until_answered(instance, format, deadline);
  if (options.json && answer.decision != Decision::Unclear) {
    print_json(wait_json(answer, instance.url));
    return answer.decision == Decision::Live ? 0 : 1;
  }
  switch (answer.decision) {
    case Decision::Live:
      if (answer.lag_ms > 0) print_text(stderr, lag_warning(answer.lag_ms));
      return 0;
    case Decision::Failed:
      print_text(stderr, answer.text);
      return 1;
    case Decision::Unclear:
      break;
  }
  throw std::runtime_error(
      fmt::format("{} answers hpp-ctl with {}", instance.url, answer.status_line));
}

}  // namespace hpp::ctl
