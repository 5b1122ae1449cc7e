#include "ctl/commands.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "config.h"
#include "ctl/command_run.h"
#include "ctl/core/mcp_session.h"
#include "ctl/print.h"

namespace hpp::ctl {
namespace {

// Limit for one read, in bytes.
constexpr std::size_t kReadMax = 64 * 1024;

// A pipe, a socket or a terminal, as opposed to a file, which never lets a reader wait.
bool may_be_waited_for(int fd) {
  struct stat info {};

  return ::fstat(fd, &info) == 0 &&
         (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || ::isatty(fd) != 0);
}

// Serves the client on stdin and stdout. A client that does not read its answers is not read
// either, because print_json() blocks.
class Server {
 public:
  explicit Server(const CtlOptions& options)
      : options_(options),
        session_(HPP_VERSION),
        input_(loop_, STDIN_FILENO, FdWatch::For::Reading, [this] { read(); }) {}

  // Returns when the client has closed stdin or is gone. Calls that are under way end with this
  // process.
  void run() {
    if (!may_be_waited_for(STDIN_FILENO)) {
      while (!is_over_) read();
      return;
    }
    input_.start();
    loop_.run();
  }

 private:
  // One read does not block, because the loop has reported that there is input.
  void read() {
    std::string bytes(kReadMax, '\0');
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) return finish();
    bytes.resize(static_cast<std::size_t>(got));
    perform(session_.take(bytes));
  }

  void perform(const std::vector<McpEffect>& effects) {
    for (const McpEffect& effect : effects) {
      std::visit([this](const auto& one) { perform_one(one); }, effect);
    }
  }

  void perform_one(const SendMessage& message) {
    if (!print_json(message.line)) finish();
  }

  void perform_one(const StartCommand& command) {
    std::vector<std::string> words = instance_words();
    words.insert(words.end(), command.words.begin(), command.words.end());
    runs_[command.call] = std::make_unique<CommandRun>(
        loop_, words, [this, call = command.call](const CommandOutcome& outcome) {
          loop_.bury(std::move(runs_.extract(call).mapped()));
          perform(session_.command_ended(call, outcome));
        });
  }

  void perform_one(const KillCommand& command) { runs_.at(command.call)->kill(); }

  // The options by which each command finds the instance that this one was started for.
  std::vector<std::string> instance_words() const {
    if (!options_.run_directory.empty()) return {"--run-dir=" + options_.run_directory};
    if (!options_.name.empty()) return {"--name=" + options_.name};
    return {};
  }

  void finish() {
    is_over_ = true;
    loop_.stop();
  }

  const CtlOptions& options_;
  Loop loop_;
  McpSession session_;
  std::map<std::uint64_t, std::unique_ptr<CommandRun>> runs_;
  FdWatch input_;
  bool is_over_ = false;
};

}  // namespace

int mcp(const CtlOptions& options) {
  Server(options).run();
  return 0;
}

}  // namespace hpp::ctl
