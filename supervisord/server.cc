#include "supervisord/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "common/bus/codec.h"
#include "common/bus/endpoints.h"
#include "common/errors/explanation.h"
#include "common/log.h"
#include "common/os/backend_tag.h"
#include "common/os/find_program.h"
#include "common/os/project_directory.h"
#include "supervisord/core/program_advice.h"
#include "supervisord/env_file.h"
#include "supervisord/port_check.h"
#include "supervisord/script.h"

namespace hpp::supervisord {
namespace {

// The name of the socket that is handed to backends, in LISTEN_FDNAMES.
constexpr const char* kSocketName = "backend-socket";

ProgramFacts facts_of(const std::string& program, const std::string& directory) {
  ProgramFacts facts{.program = program, .available = {}};
  std::error_code ignored;
  const auto status = std::filesystem::status(std::filesystem::path(directory) / program, ignored);
  facts.is_file = std::filesystem::is_regular_file(status);
  facts.is_directory = std::filesystem::is_directory(status);
  for (const std::string& name : known_programs()) {
    if (!find_program(name, directory).empty()) facts.available.push_back(name);
  }
  return facts;
}

// Why the command could not be started.
std::string spawn_problem(const std::system_error& error, const std::string& program,
                          const std::string& directory) {
  const bool is_missing = error.code() == std::errc::no_such_file_or_directory;
  const std::string part = is_missing ? missing_part(program, directory) : "";
  if (!part.empty()) return part;
  const bool is_refused = error.code() == std::errc::permission_denied;
  if (!is_missing && !is_refused) return error.code().message();
  return missing_program_text(facts_of(program, directory));
}

}  // namespace

Server::Server(Loop& loop, ServiceManager& manager, TreeKiller& killer, const Project& project,
               const Options& options, OutletWatch& out, OutletWatch& err, OutputLog& output_log,
               Announcement& announcement, OnExit on_exit, OnSpareFailed on_spare_failed, OnSay say)
    : loop_(loop),
      manager_(manager),
      killer_(killer),
      project_(project),
      command_(options.command),
      on_exit_(std::move(on_exit)),
      clears_(options.clear),
      output_log_(output_log),
      announcement_(announcement),
      output_(loop, out, err, options.interactive ? Output::Input::Keyboard : Output::Input::None,
              [this](bus::OutputStream stream, std::string_view bytes) {
                output_log_.write(stream, bytes);
                announcement_.on_output(stream, bytes);
              }),
      spares_(loop, killer, project, options, output_,
              means(std::move(on_spare_failed), std::move(say))) {
  if (options.socket) socket_.emplace(project.addresses.front());
  if (options.interactive) input_.emplace(loop, STDIN_FILENO);
}

Event Server::start(std::uint64_t generation) {
  const bool is_ours = socket_ && socket_->is_open();
  if (const auto holder = is_ours ? std::nullopt : find_port_holder(project_.addresses)) {
    return PortTaken{.port = holder->port, .by = holder->owner.text, .pid = holder->owner.pid};
  }
  if (job_) loop_.bury(std::move(job_));
  if (std::string problem = project_directory_problem(project_.directory); !problem.empty()) {
    return SpawnFailed{.why = std::move(problem)};
  }
  output_.drain();
  output_log_.begin(generation);
  announcement_.forget_messages();
  SpareKeeper::Start how = spares_.start(generation);
  if (how.is_warm) {
    adopt_spare(generation);
  } else {
    try {
      spawn(generation);
    } catch (const std::system_error& error) {
      spares_.on_spawned();
      return SpawnFailed{.why = spawn_problem(error, command_.front(), project_.directory),
                         .is_not_found = error.code() == std::errc::no_such_file_or_directory};
    } catch (const std::runtime_error& error) {  // the environment file
      spares_.on_spawned();
      return SpawnFailed{.why = error.what()};
    }
    spares_.on_spawned();
  }
  store(generation);
  return Spawned{
      .pid = job_->pid(), .is_warm = how.is_warm, .cold_because = std::move(how.cold_because)};
}

SpareKeeper::Means Server::means(OnSpareFailed on_spare_failed, OnSay say) {
  return {.request = [this](const std::string& tag,
                            const Output::Ends& ends) { return request(tag, ends); },
          .on_failed = std::move(on_spare_failed),
          .say = std::move(say),
          .handed = [this] { return handed_socket(); }};
}

// The spare's process is the backend from now on.
void Server::adopt_spare(std::uint64_t generation) {
  SpareKeeper::Promoted spare = spares_.take_promoted();
  output_.take_over(std::move(spare.readers), std::move(spare.earlier));
  output_.follow_window();
  job_ = std::move(spare.job);
  job_->hand_over(on_end(generation));
}

void Server::spawn(std::uint64_t generation) {
  const Output::Ends ends = output_.open();
  if (input_) input_->lead_to(output_.keyboard());
  ChildRequest complete = request(project_.tag_prefix + std::to_string(generation), ends);
  spares_.add_gate(complete);
  job_ =
      std::make_unique<Job>(loop_, killer_, TreeKiller::Role::Server, complete, on_end(generation));
}

int Server::handed_socket() {
  if (!socket_) return -1;
  const bool is_new = !socket_->is_open();
  const int fd = socket_->prepare();
  if (is_new) manager_.store(stored_socket_name(), {fd});
  return fd;
}

ChildRequest Server::request(const std::string& tag, const Output::Ends& ends) {
  ChildRequest request{
      .command = command_,
      .directory = project_.directory,
      .environment = {{kBackendTag, tag},
                      {"PORT", std::to_string(project_.addresses.front().port())}},
      .group = input_ ? ChildRequest::Group::OwnTerminal : ChildRequest::Group::OwnSession,
      .stdin_fd = input_ ? ends.in.get() : project_.no_input.get(),
      .stdout_fd = ends.out.get(),
      .stderr_fd = ends.err.get(),
  };
  announcement_.complete(request.environment);
  add_env_file(project_, request.environment);
  if (socket_) request.listen_fds = {{kSocketName, handed_socket()}};
  return request;
}

Job::OnEnd Server::on_end(std::uint64_t generation) {
  return [this, generation](ExitStatus status) {
    log::debug("generation {} ended: {}", generation, to_string(status));
    output_.drain();
    output_.reset_screen();
    spares_.on_server_end(status);
    std::string tail = output_.tail();
    auto error = errors::explain(tail, project_.directory, project_.roots);
    on_exit_({.generation = generation,
              .status = status,
              .output_tail = std::move(tail),
              .problem = end_problem(status, command_.front(), project_.directory),
              .error = std::move(error)});
  };
}

// Takes over the backend of a supervisord that crashed, if the service manager has kept its
// descriptors: the pidfd, which identifies the process for certain, and the ends of its output. Our
// stdout and stderr are those of the previous supervisord, so the number of ends is the same.
//
// If the descriptors are missing, the snapshot belongs to an earlier run of hpp, or to a backend
// that was never spawned. Then supervisord starts the backend, even if the snapshot is a failure.
std::optional<bus::BackendState> Server::take_over(const std::optional<bus::BackendState>& last) {
  if (socket_) {
    auto kept = manager_.take_listening(stored_socket_name());
    if (!kept.empty()) socket_->take_over(std::move(kept.front()));
  }
  if (!last || last->command != bus::limited_command(command_)) return std::nullopt;
  auto stored = take_stored(last->generation);
  if (stored.empty()) return std::nullopt;
  stored_generation_ = last->generation;
  UniqueFd pidfd = std::move(stored.front());
  stored.erase(stored.begin());
  output_log_.begin(last->generation);
  output_.take_over(std::move(stored));
  output_.follow_window();  // the window may have been resized while no supervisord ran
  if (input_) input_->lead_to(output_.keyboard());
  const bool lived =
      last->state == bus::BackendPhase::Loading || last->state == bus::BackendPhase::Running;
  if (!lived) return last;
  if (last->pid == 0) return std::nullopt;
  job_ = std::make_unique<Job>(loop_, killer_, std::move(pidfd), static_cast<pid_t>(last->pid),
                               on_end(last->generation));
  return last;
}

// Returns the descriptors in the service manager's store; none if one is missing.
std::vector<UniqueFd> Server::take_stored(std::uint64_t generation) {
  std::vector<UniqueFd> all;
  for (std::size_t number = 0; number < stored_count(); ++number) {
    auto taken = manager_.take(stored_name(generation, number));
    if (taken.size() != 1) return {};
    all.push_back(std::move(taken.front()));
  }
  return all;
}

// Each descriptor in the service manager's store has its own name, because systemd returns
// descriptors with the same name in any order. Number 0 is the pidfd; the ends that the output is
// read from follow.
std::string Server::stored_name(std::uint64_t generation, std::size_t number) const {
  return bus::stored_name(project_.author, fmt::format("{}-{}", generation, number));
}

std::string Server::stored_socket_name() const {
  return bus::stored_name(project_.author, "socket");
}

std::size_t Server::stored_count() const {
  return 1 + output_.reader_count();
}

// Stores the descriptors that take_over() needs.
void Server::store(std::uint64_t generation) {
  forget_stored();
  std::vector<int> fds = output_.readers();
  fds.insert(fds.begin(), job_->pidfd());
  for (std::size_t number = 0; number < fds.size(); ++number) {
    manager_.store(stored_name(generation, number), {fds[number]});
  }
  stored_generation_ = generation;
}

void Server::forget_stored() {
  if (stored_generation_ == 0) return;
  for (std::size_t number = 0; number < stored_count(); ++number) {
    manager_.forget(stored_name(stored_generation_, number));
  }
  stored_generation_ = 0;
}

void Server::on_restart() {
  if (clears_) output_.clear_screen();
}

void Server::leave() {
  forget_stored();
  if (socket_) manager_.forget(kSocketName);
  announcement_.leave();
  spares_.leave();
  output_.drain();
}

std::vector<pid_t> Server::likely_listeners() const {
  std::vector<pid_t> pids;
  if (job_) pids.push_back(job_->pid());
  if (socket_) pids.push_back(::getpid());
  return pids;
}

}  // namespace hpp::supervisord
