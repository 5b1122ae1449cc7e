#include "supervisord/core/wording.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "common/advice/refused_kill.h"
#include "common/text.h"
#include "supervisord/core/brief.h"
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

constexpr const char* kPortFree = "the port is free, ";
constexpr std::string_view kComma = ", ";

// `src/a.py changed, restarting`. `cause`: `src/a.py changed, `. `is_known`: an earlier line has
// announced the start.
Brief starting(const std::string& cause, const std::string& command, bool is_known) {
  if (cause == kPortFree) return {.headword = {}, .text = cause + "starting", .advice = {}};
  if (!cause.empty()) return restarting(cause.substr(0, cause.size() - kComma.size()));
  if (is_known) return silence();
  return {.headword = "starting", .text = "  " + command, .advice = {}};
}

// `, although it listens on port 8001`, for a server that has not said that it is ready.
std::string but_listens(const Sight& sight) {
  if (sight.elsewhere.empty()) return "";
  return fmt::format(", although it listens on {}", fmt::join(sight.elsewhere, " and "));
}

// Returns advice for a user whose server does not answer.
std::string late_cure(const Sight& sight) {
  if (!sight.tracer.empty()) return "It goes on when the debugger lets it";
  switch (sight.is) {
    case Sight::Is::Nothing:
      return "";
    case Sight::Is::NoLine:
      return "Compare REGEX with the line that it prints when it is ready. If it has printed the "
             "line, it may keep it in a buffer (PYTHONUNBUFFERED=1)";
    case Sight::Is::NoMessage:
      return sight.detail.empty() ? "If it does not call sd_notify(3), leave --ready out" : "";
    case Sight::Is::NoListener:
      return sight.elsewhere.empty() ? "" : "Let both name the same port";
    case Sight::Is::Silence:
      return "If it never answers HEAD /, use --ready tcp or --ready-path";
    case Sight::Is::NoAnswer:
    case Sight::Is::NotHttp:
      return "--ready tcp does not wait for an answer in HTTP";
  }
  return "";
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

Say cannot_start(const std::string& because, bool is_port) {
  const std::string reason = printable(because);
  if (is_port) return {.text = "Error: " + reason, .brief = port_in_use(reason)};
  const std::string rest = fmt::format(" {}; hpp tries again until it can", reason);
  return {.text = "Error: cannot start" + rest,
          .brief = Brief{.headword = "cannot start", .text = rest, .advice = {}}};
}

std::string refusal_text(const KillRefused& event) {
  return advice::refused_kill_text(event.who, event.pids) + ", or run hpp as that user";
}

std::string error_first(const std::optional<bus::BackendError>& error, const std::string& end) {
  return error ? fmt::format("{} ({})", printable(to_string(*error)), end) : end;
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
    case Sight::Is::NoLine:
      return fmt::format("no line of your server's output matches {} yet (--ready line){}",
                         sight.detail, but_listens(sight));
    case Sight::Is::NoMessage:
      return fmt::format("your server has not sent READY=1 yet (--ready notify){}{}",
                         but_listens(sight),
                         sight.detail.empty() ? "" : "; its status is: " + sight.detail);
    case Sight::Is::NoListener:
      if (!sight.tracer.empty()) return fmt::format("{} holds it for debugging", sight.tracer);
      if (sight.elsewhere.empty()) return fmt::format("nothing listens on {}", sight.address);
      return fmt::format("your server listens on {}, but hpp expects it on {}",
                         fmt::join(sight.elsewhere, " and "), sight.address);
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

Say late_line(const Sight& sight, bool is_announced) {
  const std::string cure = late_cure(sight);
  const std::string rest =
      fmt::format(" {}: {}{}{}",
                  is_announced ? text_of(kLate) + " after your server said that it is ready"
                               : "after " + text_of(kLate),
                  printable(delay_text(sight)), cure.empty() ? "" : ". ", cure);
  return {.text = "Loading: no answer" + rest,
          .brief = Brief{.headword = "still starting", .text = rest, .advice = {}}};
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
  if (port_was_taken) cause_ = kPortFree;
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

Say Wording::paused() const {
  return {.text = fmt::format("Paused: saves do not restart your server. {} to go on",
                              has_keys_ ? "Press p + Enter" : "Run hpp-ctl resume")};
}

Say Wording::manual() const {
  return {.text = fmt::format("Manual: saves do not restart your server. {} to restart it",
                              has_keys_ ? "Press r + Enter" : "Run hpp-ctl restart")};
}

Say Wording::paused_change(const std::string& what) const {
  return {.text =
              fmt::format("Paused: {}. Your server keeps the old code until {}", printable(what),
                          has_keys_ ? "you press p + Enter" : "hpp-ctl resume")};
}

Say Wording::killing(const std::string& why, bool is_stop) const {
  return {.text = "Killing: " + why,
          .begins_restart = false,
          .brief = is_stop ? silence() : restarting(why)};
}

Say Wording::preparing(const Step& step) {
  const std::string cause = std::exchange(cause_, {});
  const std::string command = printable(step.command);
  return {.text = fmt::format("{}: {}running {}{}", step.title, cause, command,
                              std::exchange(killed_, {})),
          .begins_restart = !cause.empty(),
          .brief = Brief{
              .headword = cause.empty() ? step.brief : "",
              .text = fmt::format("{}{}  {}", cause, cause.empty() ? "" : step.brief, command),
              .advice = {}}};
}

Say Wording::loading(const bus::BackendState& facts) {
  const std::string cause = std::exchange(cause_, {});
  const std::string killed = std::exchange(killed_, {});
  const std::string built = std::exchange(built_, {});
  return {.text = fmt::format("Loading: {}{} {} (generation {}, pid {}){}{}", cause,
                              facts.start.is_warm ? "opened the gate of" : "started",
                              text_of(facts.command), facts.generation, facts.pid, killed, built),
          .begins_restart = !cause.empty(),
          .brief = starting(cause, text_of(facts.command),
                            /*is_known=*/!killed.empty() || !built.empty())};
}

Say Wording::running(const Answered& event, const bus::Start& start, TimePoint answered) {
  const std::string_view flaw = event.is_response ? "" : kNoResponse;
  const std::string url = std::exchange(url_, {});
  const std::string took = text_of(answered - (since_.empty() ? spawned_ : restart_begun_));
  return {.text = fmt::format("Running: generation {} answers after {}{}{}{}", event.generation,
                              text_of(answered - spawned_), start_text(start),
                              since_restart(answered), flaw),
          .begins_restart = false,
          .brief = Brief{.headword = "ready",
                         .text = fmt::format(" in {}{}{}{}{}", took, start_text(start),
                                             url.empty() ? "" : "  ", url, flaw),
                         .advice = {}}};
}

Say Wording::step_failed(const StepEnded& event, const Step& step, const bus::BackendState& facts,
                         TimePoint now) const {
  const std::string end =
      fmt::format("{} after {}", printable(facts.problem), text_of(now - step_begun_));
  const std::string what = error_first(event.error, end);
  const bool runs_on = facts.state == bus::BackendPhase::Running;
  return {.text = runs_on ? fmt::format("Running: {}; generation {} keeps running", what,
                                        facts.generation)
                          : fmt::format("Error: {}; waiting for a change", what),
          .begins_restart = false,
          .brief = build_failed(event, step.command,
                                (runs_on ? "the old server runs on; " : "") + advice(has_keys_))};
}

Say Wording::ended(const ProcessExited& event, const bus::BackendState& facts, bool has_run,
                   TimePoint now) const {
  const std::string retry = bus::to_string(facts.retry);
  return {.text = fmt::format("Error: {}{}{}{}", error_first(event.error, end(event, has_run, now)),
                              retry.empty() ? "" : "; ", retry,
                              facts.retry.pause_ms != 0 ? "" : "; waiting for a change"),
          .begins_restart = false,
          .brief = hpp::supervisord::ended(facts, advice(has_keys_))};
}

std::string Wording::end(const ProcessExited& event, bool has_run, TimePoint now) const {
  return fmt::format("{} after {}{}{}", to_string(event.status), text_of(now - spawned_),
                     has_run ? "" : since_restart(now),
                     event.problem.empty() ? "" : ": " + printable(event.problem));
}

Say Wording::stopped(TimePoint now) const {
  return {.text = "Stopped: no process of your server is left after " + text_of(now - kill_begun_),
          .begins_restart = false,
          .brief = silence()};
}

// The total duration of the restart.
std::string Wording::since_restart(TimePoint now) const {
  if (since_.empty()) return {};
  return fmt::format(", {} after {}", text_of(now - restart_begun_), since_);
}

}  // namespace hpp::supervisord
