#include "watchd/watchman/socket_search.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace hpp::watchd::watchman {
namespace {

// get-sockname prints a few hundred bytes. Output beyond this limit is not read.
constexpr std::size_t kOutputMax = 16 * 1024;

}  // namespace

SocketSearch::SocketSearch(Loop& loop, OnEnd on_end)
    : loop_(loop), on_end_(std::move(on_end)), output_(make_pipe()) {
  // The search ends when the command exits, not when the output ends: a Watchman that the command
  // starts might keep the pipe open.
  set_nonblocking(output_.reader.get());
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ChildRequest request{.command = {"watchman", "--no-pretty", "get-sockname"},
                       // The current directory may have been removed.
                       .directory = "/"};
  // Ctrl+C in the terminal must not kill a Watchman that is just being started, because Watchman
  // serves other programs, too.
  request.group = ChildRequest::Group::OwnSession;
  request.stdin_fd = nothing.get();
  request.stdout_fd = output_.writer.get();
  request.stderr_fd = output_.writer.get();
  request.death_signal = SIGKILL;  // does not reach a started Watchman, which is no child of it
  child_ = std::make_unique<Child>(loop, request, [this](ExitStatus status) { end(status); });
}

SocketSearch::~SocketSearch() {
  if (!child_->is_running()) return;
  child_->kill(SIGKILL);
  ::waitpid(child_->pid(), nullptr, 0);
}

void SocketSearch::abandon(std::unique_ptr<SocketSearch> search) {
  SocketSearch& it = *search;
  if (!it.child_->is_running()) return it.loop_.bury(std::move(search));
  it.child_->kill(SIGKILL);
  it.self_ = std::move(search);
}

void SocketSearch::end(ExitStatus status) {
  if (self_) return loop_.bury(std::move(self_));
  std::string output(kOutputMax, '\0');
  const ssize_t got = ::read(output_.reader.get(), output.data(), output.size());
  output.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  SocketName name = read_socket_name(output);
  if (name.path.empty()) {
    name.problem = "watchman get-sockname ended with " + to_string(status) + ": " + name.problem;
  }
  on_end_(name);
}

}  // namespace hpp::watchd::watchman
