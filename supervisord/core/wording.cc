#include "supervisord/core/wording.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "common/text.h"
#include "supervisord/core/exclude_advice.h"

namespace hpp::supervisord {
namespace {

// How much of the command a log line shows.
constexpr std::size_t kCommandShownMax = 80;  // bytes

// How many globs the advice against restart loops names.
constexpr std::size_t kAdvisedMax = 20;

// How many files a log line names.
constexpr std::size_t kFilesShownMax = 3;

// `db.sqlite3`, `a, b and 2 more files`
std::string files_text(const std::vector<std::string>& files) {
  std::string text;
  for (std::size_t i = 0; i < std::min(files.size(), kFilesShownMax); ++i) {
    text += (i == 0 ? "" : ", ") + printable(files[i]);
  }
  if (files.size() <= kFilesShownMax) return text;
  return fmt::format("{} and {} more files", text, files.size() - kFilesShownMax);
}

// `cure` is the option that ends the loop, `--exclude db.sqlite3`; it may be empty.
std::string pause_text(const Pause& pause, const std::string& cure) {
  const std::string files = files_text(pause.files);
  const std::string times = fmt::format("{} times in a row", pause.restarts);
  switch (pause.is) {
    case Pause::For::Nothing:
    case Pause::For::Settle:
      return "";
    case Pause::For::Quiet:
      return fmt::format(
          "Waiting: files changed again before your server could answer; hpp starts it when no "
          "file has changed for {}",
          text_of(pause.length));
    case Pause::For::Experiment:
      return fmt::format(
          "Waiting: {} changed {}, each time within {} after a start. hpp waits {} before the next "
          "start: if it changes meanwhile, another program writes it",
          files, times, text_of(pause.time), text_of(pause.length));
    case Pause::For::Loop:
      if (cure.empty()) {
        return fmt::format("Waiting: {} before the next start, because your server writes {}",
                           text_of(pause.length), files);
      }
      return fmt::format(
          "Waiting: your server restarts itself. It writes {} each time it starts. hpp pauses {} "
          "before the next start; another save ends the pause. To ignore such changes: {}",
          files, text_of(pause.length), cure);
    case Pause::For::Advice:
      return fmt::format(
          "{} changed {}, each time soon after your server had answered. If your server writes "
          "it: {}",
          files, times, cure);
  }
  return "";
}

// ` (warm; 480 ms cold)`; empty without --warm
std::string start_text(const bus::Start& start) {
  const std::string text = bus::to_string(start);
  return text.empty() ? "" : fmt::format(" ({})", printable(text));
}

constexpr std::string_view kNoResponse =
    ". It accepts connections, but closes them without a response to HEAD and GET";

}  // namespace

std::string text_of(TimePoint::duration duration) {
  const double ms = std::chrono::duration<double, std::milli>(duration).count();
  if (ms < 9.95) return fmt::format("{:.1f} ms", ms);
  return ms < 9999.5 ? fmt::format("{:.0f} ms", ms) : fmt::format("{:.1f} s", ms / 1000);
}

std::string text_of(const std::vector<std::string>& command) {
  std::string text = printable(command_line(command));
  if (text.size() <= kCommandShownMax) return text;
  const auto is_middle_of_utf8 = [](char c) { return (c & '\xC0') == '\x80'; };
  std::size_t end = kCommandShownMax;
  while (end > 0 && is_middle_of_utf8(text[end])) --end;
  return text.substr(0, end) + "…";
}

std::string what_changed(const bus::TreeState& tree) {
  if (tree.changed.empty()) return tree.changed_count == 0 ? kNotWatched : "files changed";
  return files_changed(tree.changed.front(),
                       std::max<std::uint64_t>(tree.changed_count, tree.changed.size()));
}

std::string failure_text(const std::string& command, const StepEnded& event) {
  return fmt::format("{} failed: {}", command,
                     event.problem.empty() ? to_string(event.status) : event.problem);
}

std::string exit_problem(const ProcessExited& event, const std::string& program) {
  if (event.problem.empty()) return "";
  return fmt::format("{} ended with {}: {}", program, to_string(event.status), event.problem);
}

std::string port_text(const PortTaken& event) {
  const std::string advice =
      event.pid == 0 ? ";" : fmt::format(". End it with kill {};", event.pid);
  return fmt::format("port {} is in use by {}{} hpp starts your server as soon as the port is free",
                     event.port, event.by, advice);
}

std::string refusal_text(const KillRefused& event) {
  const bool is_one = event.pids.size() == 1;
  return fmt::format(
      "{} cannot be ended, because {} to another user. End {} with sudo kill -9 {}, or run hpp as "
      "that user",
      event.who, is_one ? "it belongs" : "they belong", is_one ? "it" : "them",
      fmt::join(event.pids, " "));
}

std::string error_first(const std::optional<bus::BackendError>& error, const std::string& end) {
  return error ? fmt::format("{} ({})", printable(to_string(*error)), end) : end;
}

std::string paused_change_text(const std::string& what) {
  return fmt::format("Paused: {}. Your server keeps the old code until hpp-ctl resume",
                     printable(what));
}

std::string paused_cause(const std::vector<std::string>& files) {
  const std::string what =
      files.empty() ? "files changed" : files_changed(files.front(), files.size());
  return what + " during the pause";
}

std::string delay_text(const Pause& pause) {
  if (pause.is == Pause::For::Quiet || pause.is == Pause::For::Settle) {
    return fmt::format("the start waits until no file has changed for {}", text_of(pause.length));
  }
  return fmt::format("the start waits for {}, because {} changes after each start",
                     text_of(pause.length), files_text(pause.files));
}

std::string delay_text(const Sight& sight) {
  switch (sight.is) {
    case Sight::Is::Nothing:
      return "";
    case Sight::Is::NoListener:
      return fmt::format("nothing listens on {}", sight.address);
    case Sight::Is::Silence:
      return fmt::format("{} accepts connections, but has not answered yet", sight.address);
    case Sight::Is::NoAnswer:
      return fmt::format("{} ends connections without an answer", sight.address);
    case Sight::Is::NotHttp:
      return fmt::format("{} does not answer in HTTP/1: its answer begins with \"{}\"",
                         sight.address, printable(sight.beginning));
  }
  return "";
}

std::string stranger_text(const Answered& event) {
  return fmt::format(
      "requests go to {}, which listens on {} and is no process of your command. If it is the "
      "wrong one, end it; hpp switches to your server as soon as that listens",
      printable(event.stranger), event.address);
}

void Wording::on_restart(std::string since, TimePoint now) {
  since_ = std::move(since);
  restart_begun_ = now;
}

void Wording::on_killed(TimePoint now) {
  killed_ = ", killed the old one in " + text_of(now - kill_begun_);
}

void Wording::on_preparation(TimePoint now) {
  built_.clear();
  step_begun_ = now;
}

void Wording::on_step_done(const Step& step, TimePoint now) {
  built_ += fmt::format(", {} in {}", step.done, text_of(now - std::exchange(step_begun_, now)));
}

void Wording::on_retry(bool port_was_taken) {
  if (port_was_taken) cause_ = "the port is free, ";
  since_.clear();
}

void Wording::on_failure() {
  cause_.clear();
  killed_.clear();
  built_.clear();
}

std::optional<Say> Wording::pausing(const Pause& pause) {
  const bool is_same = pause.is == announced_.is && pause.length <= announced_.length &&
                       pause.files == announced_.files;
  announced_ = pause;
  const bool is_expected = pause.is == Pause::For::Nothing || pause.is == Pause::For::Settle;
  if (is_same || is_expected) return std::nullopt;
  const bool knows_cure = pause.is == Pause::For::Loop || pause.is == Pause::For::Advice;
  const bool is_news = knows_cure && find_cure(pause.files);
  if (pause.is == Pause::For::Advice && !is_news) return std::nullopt;
  return Say{pause_text(pause, is_news ? exclude_option(advised_) : "")};
}

// Adds the globs for `files` to `advised_`. Returns whether one was new.
bool Wording::find_cure(const std::vector<std::string>& files) {
  bool has_grown = false;
  for (std::string& glob : globs_to_exclude(files)) {
    const bool is_known = std::find(advised_.begin(), advised_.end(), glob) != advised_.end();
    if (is_known || advised_.size() == kAdvisedMax) continue;
    advised_.push_back(std::move(glob));
    has_grown = true;
  }
  return has_grown;
}

Say Wording::preparing(const Step& step) {
  const std::string cause = std::exchange(cause_, {});
  return {.text = fmt::format("{}: {}running {}{}", step.title, cause, printable(step.command),
                              std::exchange(killed_, {})),
          .begins_restart = !cause.empty()};
}

Say Wording::loading(const bus::BackendState& facts) {
  const std::string cause = std::exchange(cause_, {});
  return {.text = fmt::format("Loading: {}{} {} (generation {}, pid {}){}{}", cause,
                              facts.start.is_warm ? "opened the gate of" : "started",
                              text_of(facts.command), facts.generation, facts.pid,
                              std::exchange(killed_, {}), std::exchange(built_, {})),
          .begins_restart = !cause.empty()};
}

Say Wording::running(const Answered& event, const bus::Start& start, TimePoint answered) const {
  return {fmt::format("Running: generation {} answers after {}{}{}{}", event.generation,
                      text_of(answered - spawned_), start_text(start), since_restart(answered),
                      event.is_response ? "" : kNoResponse)};
}

std::string Wording::step_end(const std::string& problem, TimePoint now) const {
  return fmt::format("{} after {}", printable(problem), text_of(now - step_begun_));
}

std::string Wording::end(const ProcessExited& event, bool has_run, TimePoint now) const {
  return fmt::format("{} after {}{}{}", to_string(event.status), text_of(now - spawned_),
                     has_run ? "" : since_restart(now),
                     event.problem.empty() ? "" : ": " + printable(event.problem));
}

Say Wording::stopped(TimePoint now) const {
  return {"Stopped: no process of your server is left after " + text_of(now - kill_begun_)};
}

// The total duration of the restart.
std::string Wording::since_restart(TimePoint now) const {
  if (since_.empty()) return {};
  return fmt::format(", {} after {}", text_of(now - restart_begun_), since_);
}

}  // namespace hpp::supervisord
