#include "ctl/command_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "common/os/pipe.h"

namespace hpp::ctl {

CommandRun::CommandRun(Loop& loop, const std::vector<std::string>& words, OnEnd on_end,
                       std::string program)
    : program_(std::move(program)),
      on_end_(std::move(on_end)),
      not_started_(loop, [this] { on_end_({.status = -1, .problem = problem_}); }) {
  try {
    start(loop, words);
  } catch (const std::system_error& error) {
    problem_ = fmt::format("{} cannot be started: {}", name(), error.what());
    not_started_.start();
  }
}

void CommandRun::start(Loop& loop, const std::vector<std::string>& words) {
  const UniqueFd no_input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd out = open(loop, out_);
  const UniqueFd err = open(loop, err_);
  ChildRequest request{.command = {program_},
                       .stdin_fd = no_input.get(),
                       .stdout_fd = out.get(),
                       .stderr_fd = err.get(),
                       .death_signal = SIGKILL};
  request.command.insert(request.command.end(), words.begin(), words.end());
  child_ = std::make_unique<Child>(loop, request, [this](ExitStatus status) { end(status); });
}

// Returns the writing end of the output's pipe.
UniqueFd CommandRun::open(Loop& loop, Output& output) {
  Pipe pipe = make_pipe();
  set_nonblocking(pipe.reader.get());
  output.reader = std::move(pipe.reader);
  output.readable = std::make_unique<FdWatch>(loop, output.reader.get(), FdWatch::For::Reading,
                                              [this, &output] { read(output); });
  output.readable->start();
  return std::move(pipe.writer);
}

void CommandRun::read(Output& output) {
  char piece[16 * 1024];
  ssize_t got = 0;
  while ((got = ::read(output.reader.get(), piece, sizeof piece)) > 0) {
    output.text.append(piece, static_cast<std::size_t>(got));
    if (output.text.size() <= kOutputMax) continue;
    problem_ =
        fmt::format("{} was killed, because it has printed more than {} bytes", name(), kOutputMax);
    output.readable->stop();
    return kill();
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) output.readable->stop();
}

void CommandRun::kill() {
  if (child_) child_->kill(SIGKILL);
}

void CommandRun::end(ExitStatus status) {
  for (Output* const output : {&out_, &err_}) {
    if (output->readable->is_active()) read(*output);
    output->readable->stop();
  }
  on_end_({.status = status.by_signal ? -1 : status.number,
           .out = std::move(out_.text),
           .err = std::move(err_.text),
           .problem = problem_.empty() && status.by_signal
                          ? fmt::format("{} has ended with {}", name(), to_string(status))
                          : problem_});
}

}  // namespace hpp::ctl
