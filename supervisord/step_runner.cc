#include "supervisord/step_runner.h"

#include <stdexcept>
#include <utility>

#include "common/errors/explanation.h"
#include "common/os/backend_tag.h"
#include "common/os/build_daemons.h"
#include "common/os/project_directory.h"
#include "supervisord/env_file.h"
#include "supervisord/script.h"

namespace hpp::supervisord {

StepRunner::StepRunner(Loop& loop, TreeKiller& killer, const Project& project,
                       OutletWatch& destination, Relay::Tap tap,
                       std::function<void(StepEnded)> on_end)
    : loop_(loop),
      killer_(killer),
      project_(project),
      output_(loop, destination, Relay::Kind::Same, std::move(tap)),
      on_end_(std::move(on_end)) {}

void StepRunner::run(const std::string& command) {
  if (job_) loop_.bury(std::move(job_));
  std::string problem = project_directory_problem(project_.directory);
  try {
    if (problem.empty()) return start(command);
  } catch (const std::runtime_error& error) {
    problem = error.what();
  }
  on_end_({.status = {.is_known = false},
           .problem = std::move(problem),
           .output_tail = {},
           .error = {}});
}

void StepRunner::start(const std::string& command) {
  const UniqueFd end_of_step = output_.open();
  ChildRequest request{
      .command = {"/bin/sh", "-c", command},
      .directory = project_.directory,
      .environment = {{kBackendTag, project_.tag_prefix + kBuildTag}},
      .group = ChildRequest::Group::OwnSession,
      .stdin_fd = project_.no_input.get(),
      .stdout_fd = end_of_step.get(),
      .stderr_fd = end_of_step.get(),
      .pid_variable = kBuildLeader,
  };
  add_env_file(project_, request.environment);
  job_ = std::make_unique<Job>(loop_, killer_, TreeKiller::Role::Step, request,
                               [this, command](ExitStatus status) { end(command, status); });
}

void StepRunner::end(const std::string& command, ExitStatus status) {
  output_.drain();
  const std::string first_word = command.substr(0, command.find_first_of(" \t\n;&|<>()"));
  on_end_({.status = status,
           .problem = end_problem(status, first_word, project_.directory),
           .output_tail = std::string(output_.tail()),
           .error = errors::explain(output_.tail(), project_.directory, project_.roots)});
}

}  // namespace hpp::supervisord
