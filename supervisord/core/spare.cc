#include "supervisord/core/spare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/text.h"
#include "supervisord/core/file_marks.h"
#include "supervisord/core/wording.h"

namespace hpp::supervisord {
namespace {

constexpr const char* kFirstStart = "it is the first start";
constexpr const char* kNoTime = "hpp had no time to prepare a spare";
constexpr const char* kNotReady = "the spare was not ready yet";
constexpr const char* kRequested = "you have requested the restart";
constexpr const char* kNoHello = "the command has not used its gate";
constexpr const char* kUnknownChanges =
    "hpp does not know all files that have changed since the spare was started";
constexpr const char* kWarmCrashes = "the last warm starts have crashed";
constexpr const char* kNoMemory = "little memory was available";
constexpr const char* kInteractive = "--warm has no effect with --interactive";
constexpr const char* kGivenUp = "--warm is off";

std::string has_changed(const std::string& path) {
  return path + " has changed since the spare was started";
}

bool is_memory_low(const spare::TimerExpired& event) {
  return event.memory_bytes && *event.memory_bytes < kMemoryMin;
}

}  // namespace

Spare::Spare(Settings settings) : settings_(std::move(settings)) {}

spare::Effects Spare::on(const spare::Event& event) {
  std::visit([this](const auto& e) { handle(e); }, event);
  return take_effects();
}

void Spare::handle(const spare::Begun& event) {
  if (!settings_.is_wanted) return;
  if (settings_.is_interactive) {
    cold_because_ = kInteractive;
    emit(
        Say{"--warm has no effect with --interactive, because only one process can read the "
            "keyboard"});
    return;
  }
  state_ = State::None;
  for (const std::string& line : event.lines) on_server_line(gate::parse(line), line);
  cold_because_ = server_said_hello_ ? kNoTime : kFirstStart;
}

void Spare::handle(const spare::BackendSeen& event) {
  const bool is_news = event.state != backend_ || event.generation != generation_;
  backend_ = event.state;
  generation_ = event.generation;
  cold_ = event.cold;
  compare_early(event);
  if (!is_news) return;
  if (backend_ == Backend::State::Stopping || backend_ == Backend::State::Left) {
    if (has_spare()) emit(spare::Discard{});
    state_ = State::Off;
    return;
  }
  // A backend that answers has gone on. If it is being killed, its answer does not matter.
  if (state_ == State::Opened && backend_ != Backend::State::Loading) state_ = State::None;
  if (is_warm_ && backend_ == Backend::State::Running) failures_ = 0;
  if (backend_ == Backend::State::Running) warm_crashes_ = 0;
  if (backend_ == Backend::State::Error) warm_crashes_ = is_warm_ ? warm_crashes_ + 1 : 0;
  await_quiet();
}

// The news of a change comes before StartDue, so the comparison covers all that the start serves.
void Spare::compare_early(const spare::BackendSeen& event) {
  if (state_ != State::Ready || event.state != Backend::State::Killing) {
    compared_at_.reset();
  } else if (compared_at_ != event.seen) {
    compared_at_ = event.seen;
    emit(spare::Compare{});
  }
}

void Spare::handle(const RestartRequested&) {
  is_requested_ = true;
}

void Spare::handle(const spare::FilesChanged& event) {
  const bus::TreePoint last = std::exchange(changes_, event.point);
  if (event.point == last || !has_spare() || !changed_.empty()) return;
  const auto& paths = event.paths;
  const auto early = std::find_if(paths.begin(), paths.end(), [](const std::string& path) {
    return is_read_early(path.substr(path.rfind('/') + 1));
  });
  const bool is_next = event.point.epoch == last.epoch && event.point.revision == last.revision + 1;
  if (early != paths.end()) {
    changed_ = has_changed(*early);
  } else if (!event.is_all || !is_next) {
    changed_ = kUnknownChanges;
  }
}

void Spare::handle(const spare::StartDue& event) {
  generation_ = event.generation;
  const bool is_requested = std::exchange(is_requested_, false);
  is_warm_ = false;
  if (state_ == State::Ready && is_requested) discard(kRequested);
  if (!event.changed.empty()) changed_ = has_changed(event.changed);
  if (state_ == State::Ready && !changed_.empty()) discard(changed_);
  if (state_ == State::Ready) {
    state_ = State::Opened;
    is_warm_ = true;
    if (!std::exchange(compared_at_, std::nullopt)) emit(spare::Compare{});
    emit(StartTimer{kGoMax});
    cold_because_ = kNoTime;
    return emit(spare::Promote{});
  }
  if (state_ == State::Starting) discard(kNotReady);
  if (state_ == State::Opened) state_ = State::None;
  server_said_hello_ = false;
  const bool is_off = state_ == State::Off;
  std::string because = is_off ? cold_because_ : std::exchange(cold_because_, kNoTime);
  emit(spare::StartCold{.because = std::move(because), .records = !is_off});
}

void Spare::handle(const spare::Line& event) {
  const gate::Line line = gate::parse(event.text);
  if (event.of == spare::Of::Spare) {
    if (has_spare()) on_spare_line(line, event.text);
  } else if (state_ == State::Opened) {
    on_opened_line(line, event.text);
  } else if (const auto* const variable = std::get_if<gate::Variable>(&line)) {
    on_variable(*variable);
  } else if (state_ != State::Off) {
    on_server_line(line, event.text);
  }
}

void Spare::on_spare_line(const gate::Line& line, const std::string& text) {
  const bool is_starting = state_ == State::Starting;
  if (std::holds_alternative<gate::Hello>(line)) {
    if (!std::exchange(spare_said_hello_, true)) return;
    give_up("your command starts several programs at once");
  } else if (const auto* const refuse = std::get_if<gate::Refuse>(&line)) {
    give_up(printable(refuse->reason));
  } else if (is_starting && spare_said_hello_ && std::holds_alternative<gate::Ready>(line)) {
    emit(spare::Inspect{});
  } else if (!is_starting || !spare_said_hello_ || !std::holds_alternative<gate::Env>(line)) {
    fail(fmt::format("has sent \"{}\" at its gate, which hpp did not expect", printable(text)));
  }
}

// A process of a cold start may say what hpp does not expect, because it is no spare.
void Spare::on_server_line(const gate::Line& line, const std::string& text) {
  const auto* const env = std::get_if<gate::Env>(&line);
  if (std::holds_alternative<gate::Hello>(line)) {
    server_said_hello_ = true;
    environment_.clear();
    emit(spare::Remember{.line = text, .is_hello = true});
    await_quiet();
  } else if (env != nullptr && server_said_hello_ && environment_.size() < kEnvMax) {
    environment_.emplace_back(env->name, env->value);
    emit(spare::Remember{.line = text});
  } else if (const auto* const refuse = std::get_if<gate::Refuse>(&line)) {
    give_up(printable(refuse->reason));
  }
}

void Spare::on_opened_line(const gate::Line& line, const std::string& text) {
  if (std::holds_alternative<gate::Go>(line)) {
    state_ = State::None;
  } else if (const auto* const cold = std::get_if<gate::Cold>(&line)) {
    restart_cold(fmt::format("{} has changed since the spare loaded it", cold->path));
  } else {
    fail_opened(fmt::format("has answered \"{}\" when its gate was opened", printable(text)));
  }
}

void Spare::on_variable(const gate::Variable& line) {
  if (!is_warm_ || backend_ != Backend::State::Loading) return;
  is_warm_ = false;
  const std::string name = printable(line.name);
  const bool is_new = variables_.size() < kVariablesMax && variables_.insert(name).second;
  if (!is_new) count_failure(fmt::format("has read {} too early again", name));
  restart_cold(fmt::format("your server has set {} after the spare had read it", name));
}

void Spare::handle(const spare::Closed& event) {
  if (event.of == spare::Of::Spare && has_spare()) return fail("has closed its gate");
  if (event.of == spare::Of::Server && state_ == State::Opened) {
    fail_opened("has closed its gate when it was opened");
  }
}

void Spare::handle(const spare::Ended& event) {
  if (event.of == spare::Of::Spare && has_spare()) return fail("has ended with " + event.how);
  if (event.of == spare::Of::Server && state_ == State::Opened) {
    fail_opened(fmt::format("has ended with {} when its gate was opened", event.how));
  }
}

void Spare::handle(const spare::Inspected& event) {
  if (state_ != State::Starting) return;
  if (!event.problem.empty()) return fail(event.problem);
  state_ = State::Ready;
  emit(StartTimer{kMemoryEvery});
}

void Spare::handle(const spare::StartFailed& event) {
  assert(state_ == State::Starting);
  state_ = State::None;
  count_failure("could not be started: " + event.why);
}

void Spare::handle(const spare::TimerExpired& event) {
  switch (state_) {
    case State::Off:
      return hint();
    case State::None:
      if (is_quiet()) start_spare(event);
      return;
    case State::Starting:
      return fail(fmt::format("was not ready within {}", hpp::supervisord::text_of(kReadyMax)));
    case State::Ready:
      if (is_memory_low(event)) return discard(kNoMemory);
      return emit(StartTimer{kMemoryEvery});
    case State::Opened:
      return fail_opened(fmt::format("has not gone on within {} after its gate was opened",
                                     hpp::supervisord::text_of(kGoMax)));
  }
}

void Spare::start_spare(const spare::TimerExpired& event) {
  if (!server_said_hello_) {
    cold_because_ = kNoHello;
    if (std::exchange(has_advised_, true)) return;
    return emit(
        Say{"--warm has no effect: your server has not used its gate. hpp has adapters for Python, "
            "Node and Ruby; hpp-launch(1) says when they are not loaded"});
  }
  if (warm_crashes_ >= kWarmCrashesMax) {
    cold_because_ = kWarmCrashes;
    return;
  }
  if (is_memory_low(event)) {
    cold_because_ = kNoMemory;
    return emit(StartTimer{kMemoryEvery});
  }
  state_ = State::Starting;
  spare_said_hello_ = false;
  changed_.clear();
  emit(StartTimer{kReadyMax});
  emit(spare::StartSpare{environment_});
}

// Without --warm: says once that it would help.
void Spare::hint() {
  const bool helps = !settings_.is_wanted && !settings_.language.empty() && cold_ > kHintAbove;
  if (!helps || backend_ != Backend::State::Running || std::exchange(has_advised_, true)) return;
  emit(Say{fmt::format(
      "Your server takes {} to start. With --warm, hpp loads its {} packages before the next "
      "change, so that only your own code has to be loaded",
      text_of(cold_), settings_.language)});
}

void Spare::await_quiet() {
  if (!is_quiet()) return;
  const bool may_hint = state_ == State::Off && !settings_.is_wanted;
  if (state_ == State::None || may_hint) emit(StartTimer{kSpareQuiet});
}

void Spare::discard(std::string because) {
  emit(spare::Discard{});
  state_ = State::None;
  cold_because_ = std::move(because);
  if (cold_because_ == kNoMemory) emit(StartTimer{kMemoryEvery});
}

void Spare::fail(const std::string& why) {
  emit(spare::Discard{});
  state_ = State::None;
  count_failure(why);
}

void Spare::fail_opened(const std::string& why) {
  count_failure(why);
  restart_cold("the spare " + why);
}

void Spare::restart_cold(std::string because) {
  if (state_ == State::Opened) state_ = State::None;
  if (state_ != State::Off) cold_because_ = because;
  emit(SpareFailed{.generation = generation_, .why = std::move(because)});
}

void Spare::count_failure(const std::string& why) {
  cold_because_ = "the spare " + why;
  if (++failures_ < kFailuresMax) {
    if (is_quiet()) emit(StartTimer{kAfterFailure});
    return;
  }
  give_up(fmt::format("{} spares in a row have failed: the last one {}", kFailuresMax, why));
}

void Spare::give_up(const std::string& why) {
  if (has_spare()) emit(spare::Discard{});
  state_ = State::Off;
  cold_because_ = kGivenUp;
  emit(Say{"--warm is off until hpp is started again, because " + why});
}

}  // namespace hpp::supervisord
