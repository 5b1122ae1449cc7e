#include "supervisord/spare_keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "common/log.h"
#include "common/os/backend_tag.h"
#include "common/os/file.h"
#include "common/take_until.h"
#include "common/text.h"
#include "supervisord/adapter_directory.h"
#include "supervisord/inspection.h"
#include "supervisord/memory.h"
#include "supervisord/script.h"

namespace hpp::supervisord {
namespace {

std::string file_in(const std::string& directory, const char* name) {
  return (std::filesystem::absolute(directory) / name).native();
}

Spare::Settings settings(const Options& options, const std::string& directory) {
  std::string language = language_of(options.command.front());
  if (language.empty()) language = language_of(interpreter_of(options.command.front(), directory));
  return {.is_wanted = options.warm,
          .is_interactive = options.interactive,
          .language = std::move(language)};
}

// Variables that come later replace earlier ones.
void add(Environment& environment, const Environment& more) {
  for (const auto& variable : more) {
    std::erase_if(environment,
                  [&variable](const auto& other) { return other.first == variable.first; });
    environment.push_back(variable);
  }
}

}  // namespace

SpareKeeper::SpareKeeper(Loop& loop, TreeKiller& killer, const Project& project,
                         const Options& options, const Output& output, Means means)
    : loop_(loop),
      killer_(killer),
      project_(project),
      output_(output),
      means_(std::move(means)),
      command_(options.command),
      roots_{project.directory},
      list_(file_in(options.run_directory, "warm-modules")),
      lines_(file_in(options.run_directory, "warm-lines")),
      core_(settings(options, project.directory)),
      timer_(loop, [this] { dispatch(spare::TimerExpired{available_memory()}); }) {
  const std::string adapters = options.warm ? adapter_directory() : "";
  // Node and Ruby do not start if the file to load is missing.
  if (!adapters.empty()) environment_ = adapter_environment(adapters, ::getenv);
}

void SpareKeeper::begin(bool has_server) {
  spare::Begun event;
  if (has_server) {
    const std::string text = read_file(lines_).value_or("");
    for (std::string_view rest = text; !rest.empty();) {
      event.lines.emplace_back(take_until('\n', rest));
    }
  }
  dispatch(event);
}

void SpareKeeper::on_published(const bus::BackendState& snapshot, Backend::State state) {
  dispatch(spare::BackendSeen{.state = state,
                              .generation = snapshot.generation,
                              .seen = snapshot.seen,
                              .cold = std::chrono::milliseconds(snapshot.start.cold_ms)});
}

void SpareKeeper::on_tree(const bus::TreeState& tree) {
  roots_.resize(1);
  roots_.insert(roots_.end(), tree.other_roots.begin(), tree.other_roots.end());
  dispatch(spare::FilesChanged{.point = tree.point(),
                               .paths = tree.changed,
                               .is_all = tree.changed.size() == tree.changed_count});
}

void SpareKeeper::read_lines() {
  if (server_gate_) server_gate_->read_now();
}

void SpareKeeper::on_server_end(ExitStatus status) {
  read_lines();
  dispatch(spare::Ended{.of = spare::Of::Server, .how = to_string(status)});
}

SpareKeeper::Start SpareKeeper::start(std::uint64_t generation) {
  spare::StartDue event{.generation = generation, .changed = {}};
  if (job_) event.changed = first_difference(marks_, marks());
  dispatch(event);
  return start_;
}

SpareKeeper::Promoted SpareKeeper::take_promoted() {
  Promoted promoted{.job = std::move(job_), .readers = {}, .earlier = held_->take_texts()};
  promoted.readers = held_->take_readers();
  held_.reset();
  return promoted;
}

void SpareKeeper::add_gate(ChildRequest& request) const {
  if (server_gate_) complete(request, *server_gate_, {});
}

void SpareKeeper::on_spawned() {
  if (server_gate_) server_gate_->close_child_end();
}

void SpareKeeper::leave() {
  ::unlink(list_.c_str());
  ::unlink(lines_.c_str());
}

// An effect that can lead to another event is the last one of its list.
void SpareKeeper::dispatch(const spare::Event& event) {
  for (const spare::Effect& effect : core_.on(event)) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void SpareKeeper::perform(const spare::StartSpare& effect) {
  const std::string tag = fmt::format("{}spare-{}-{}", project_.tag_prefix, ::getpid(), ++count_);
  marks_ = marks();
  try {
    spare_gate_ = make_gate(spare::Of::Spare, "preload");
    Output::Made made = output_.make();
    ChildRequest request = means_.request(tag, made.ends);
    complete(request, *spare_gate_, effect.environment);
    killer_.expect_spare(fmt::format("{}={}", kBackendTag, tag));
    job_ = std::make_unique<Job>(
        loop_, killer_, TreeKiller::Role::Spare, request, [this](ExitStatus status) {
          const std::string last = held_->last_line();
          dispatch(spare::Ended{
              .of = spare::Of::Spare,
              .how = to_string(status) + (last.empty() ? "" : " (" + printable(last) + ")")});
        });
    held_ = std::make_unique<HeldOutput>(loop_, std::move(made.readers));
    spare_gate_->close_child_end();
    log::debug("started a spare (pid {})", job_->pid());
  } catch (const std::system_error& error) {
    perform(spare::Discard{});
    dispatch(spare::StartFailed{error.code().message()});
  } catch (const std::runtime_error& error) {  // the environment file
    perform(spare::Discard{});
    dispatch(spare::StartFailed{error.what()});
  }
}

void SpareKeeper::perform(const spare::Inspect&) {
  const int handed = means_.handed();
  dispatch(spare::Inspected{problem_of_spare(killer_.spare_processes(), roots_, handed)});
  if (core_.state() == Spare::State::Ready) log::debug("spare {} is ready", count_);
}

void SpareKeeper::perform(const spare::Compare&) {
  spare_gate_->send("compare\n");
}

void SpareKeeper::perform(const spare::Discard&) {
  killer_.discard_spare();
  if (spare_gate_) {
    spare_gate_->close();
    loop_.bury(std::move(spare_gate_));
  }
  if (job_) loop_.bury(std::move(job_));
  if (held_) loop_.bury(std::move(held_));
}

void SpareKeeper::perform(const spare::Promote&) {
  spare_gate_->send("open\n");
  spare_gate_->end_lines();
  spare_gate_->promote();
  if (server_gate_) loop_.bury(std::move(server_gate_));
  server_gate_ = std::move(spare_gate_);
  killer_.promote_spare();
  start_ = {.is_warm = true, .cold_because = {}};
}

void SpareKeeper::perform(const spare::StartCold& effect) {
  if (server_gate_) loop_.bury(std::move(server_gate_));
  start_ = {.is_warm = false, .cold_because = effect.because};
  if (!effect.records) return;
  ::unlink(lines_.c_str());
  if (!replace_file(AT_FDCWD, list_, "").is_open()) {
    log::warning("cannot write {}: {}", list_, std::system_category().message(errno));
    return;
  }
  try {
    server_gate_ = make_gate(spare::Of::Server, "record");
    server_gate_->end_lines();
  } catch (const std::system_error& error) {
    log::warning("the server gets no gate: {}", error.what());
  }
}

void SpareKeeper::perform(const spare::Remember& effect) {
  std::string text = effect.is_hello ? "" : read_file(lines_).value_or("");
  replace_file(AT_FDCWD, lines_, text + effect.line + "\n");
}

void SpareKeeper::perform(const SpareFailed& effect) {
  means_.on_failed(effect);
}

void SpareKeeper::perform(const Say& effect) {
  means_.say(effect.text);
}

void SpareKeeper::perform(const StartTimer& effect) {
  timer_.start(effect.after);
}

std::unique_ptr<Gate> SpareKeeper::make_gate(spare::Of of, const std::string& task) {
  auto gate = std::make_unique<Gate>(loop_, of, [this](const spare::Event& e) { dispatch(e); });
  std::string command = fmt::format("{}", fmt::join(command_, " "));
  std::replace(command.begin(), command.end(), '\n', ' ');
  gate->send(fmt::format("root {}\ncommand {}\n{} {}\n", fmt::join(roots_, "\nroot "), command,
                         task, list_));
  return gate;
}

void SpareKeeper::complete(ChildRequest& request, const Gate& gate, const Environment& more) const {
  request.gate_fd = gate.child_end();
  add(request.environment, environment_);
  add(request.environment, more);
}

FileMarks SpareKeeper::marks() const {
  return read_marks(project_.directory, command_.front());
}

}  // namespace hpp::supervisord
