#include "watchd/core/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

#include "common/text.h"
#include "watchd/core/paths.h"

namespace hpp::watchd {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Whether two problems differ only in their digits: Watchman's error messages contain a counter or
// a pid, and would otherwise be logged again at every attempt.
bool is_same_problem(std::string one, std::string other) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::erase_if(one, is_digit);
  std::erase_if(other, is_digit);
  return one == other;
}

}  // namespace

Tree::Tree(Settings settings) : settings_(std::move(settings)), counter_(settings_.filter) {
  tree_.directory = settings_.directory;
  if (!settings_.resumed) return;
  tree_ = *settings_.resumed;
  tree_.stamp = {};
  tree_.directory = settings_.directory;
  tree_.watching = false;
  tree_.problem.clear();
  tree_.answers = {};
  tree_.settling = false;
  tree_.lag_ms = 0;
  told_ = tree_;
}

Effects Tree::on(const Event& event, TimePoint now) {
  std::visit([&](const auto& e) { handle(e, now); }, event);
  return take_effects();
}

// ---- events of the shell ------------------------------------------------------------------------

void Tree::handle(const Started&, TimePoint) {
  start();
}

void Tree::handle(const TimerExpired&, TimePoint) {
  if (state_ == State::Backoff) return start();
  if (state_ == State::Watching) go_on_watching();
}

// A ticket of another epoch comes from a new proxyd, whose numbers begin at 1.
void Tree::handle(const TicketSeen& event, TimePoint) {
  if (event.ticket.epoch == 0 || asked_.covers(event.ticket)) return;
  asked_ = event.ticket;
  if (state_ == State::Watching && step_ == Step::Idle && can_answer()) look();
}

void Tree::handle(const Looked& event, TimePoint now) {
  if (!looking_) return;
  looking_ = false;
  folders_.insert(event.repositories.begin(), event.repositories.end());
  if (state_ == State::Starting) return watch(event, now);
  if (state_ == State::Watching) look_while_watching(event, now);
}

// Starting needs no look, because Tree looks as soon as the watch begins.
void Tree::handle(const FolderStirred&, TimePoint) {
  if (state_ == State::Watching) return look();
  if (state_ != State::Backoff) return;
  emit(StopTimer{});
  start();
}

void Tree::handle(const GitAsked& event, TimePoint) {
  const bool works = event.problem.empty();
  if (!works && !git_trouble_told_) {
    say(Say::Level::Warning, "--gitignore does not work: " + event.problem);
  }
  git_trouble_told_ = !works;
  counter_.count_for_backend(event.files, tree_);
}

// ---- reports of the source; in Backoff, they belong to a watch that has ended -------------------

void Tree::handle(const Delayed& report, TimePoint) {
  if (state_ == State::Backoff) return;
  assert(state_ == State::Starting);
  set_problem(report.why);
}

void Tree::handle(const Began& report, TimePoint) {
  if (state_ == State::Backoff) return;
  assert(state_ == State::Starting);
  if (told_) count_unknown("the files were not watched for a while");
  counter_.learn(report.files);
  tree_.clock = report.clock;
  adopt_folder();
}

void Tree::handle(const Changed& report, TimePoint) {
  if (state_ == State::Backoff) return;
  if (report.lost_track.empty()) {
    count(report.files);
  } else {
    count_unknown(report.lost_track);
  }
  tree_.clock = report.clock;
  if (state_ == State::Watching) look();
}

void Tree::handle(const Lags& report, TimePoint) {
  if (state_ == State::Backoff) return;
  tree_.lag_ms = static_cast<std::uint64_t>(report.lag.count());
  if (tree_.lag_ms > 0 && !std::exchange(lag_told_, true)) {
    say(Say::Level::Warning,
        fmt::format("old code may answer requests for up to {} s after a save: {}. To poll faster, "
                    "leave out large folders with --exclude",
                    duration_cast<seconds>(report.lag).count(), report.why));
  }
  if (state_ == State::Watching) look();
}

void Tree::handle(const Watching&, TimePoint now) {
  if (state_ == State::Backoff) return;
  assert(state_ == State::Starting);
  state_ = State::Watching;
  retry_delay_ = kRetryDelayMin;
  can_sync_ = true;
  sync_failures_ = 0;
  adopt_folder();
  tree_.watching = true;
  tree_.problem.clear();
  if (lost_at_) {
    say(Say::Level::Info, fmt::format("watching {} again after {} ms", settings_.directory,
                                      duration_cast<milliseconds>(now - *lost_at_).count()));
  } else {
    say(Say::Level::Detail, fmt::format("watching {}", settings_.directory));
  }
  lost_at_.reset();
  publish();
  look();
}

void Tree::handle(const Synced&, TimePoint) {
  if (state_ == State::Backoff) return;
  assert(step_ == Step::Syncing);
  sync_failures_ = 0;
  sync_trouble_told_ = false;
  step_ = Step::Idle;
  covered_ = std::exchange(covering_, std::nullopt);
  look();
}

// Reported changes are published nevertheless, but the ticket is not answered.
void Tree::handle(const SyncFailed& report, TimePoint) {
  if (state_ == State::Backoff) return;
  assert(step_ == Step::Syncing);
  step_ = Step::Idle;
  covering_.reset();
  if (report.is_final) {
    can_sync_ = false;
    tell_sync_trouble(report.why);
  } else {
    if (++sync_failures_ == kSyncFailuresBeforeWarning) tell_sync_trouble(report.why);
    pause();
  }
  look();
}

void Tree::handle(const Lost& report, TimePoint now) {
  if (state_ == State::Backoff) return;
  tree_.clock = report.clock;
  back_off(report.why, now);
}

// ---- the beginning and the end of a watch -------------------------------------------------------

void Tree::start() {
  state_ = State::Starting;
  look();
}

void Tree::watch(const Looked& looked, TimePoint now) {
  if (looked.folder.empty()) return miss_folder(now);
  missing_since_.reset();
  absence_counted_ = false;
  folder_ = looked.folder;
  if (!tree_.directory_id.empty() && tree_.directory_id != folder_) {
    is_replaced_ = true;
    tree_.clock.clear();
  }
  emit(Watch{.since = tree_.clock, .is_replaced = is_replaced_});
}

// The clock is cleared, so that the next watch counts as a change.
void Tree::miss_folder(TimePoint now) {
  is_replaced_ = true;
  tree_.clock.clear();
  if (!missing_since_) missing_since_ = now;
  if (told_ && !absence_counted_ && now - *missing_since_ >= kAbsenceMax) {
    absence_counted_ = true;
    count_unknown("the project folder is gone");
  }
  end_watch(
      fmt::format("{} does not exist; hpp watches it again when it is back", settings_.directory),
      now);
}

// From now on, the clock belongs to this directory. If the watch is lost before it has begun, the
// next attempt does not count the replacement again.
void Tree::adopt_folder() {
  is_replaced_ = false;
  tree_.directory_id = folder_;
}

void Tree::end_watch(const std::string& problem, TimePoint now) {
  if (state_ == State::Watching) emit(Unwatch{});
  back_off(problem, now);
}

void Tree::back_off(const std::string& problem, TimePoint now) {
  if (state_ == State::Watching) lost_at_ = now;
  step_ = Step::Idle;
  covering_.reset();
  covered_.reset();
  folders_.clear();
  tree_.settling = false;
  tree_.lag_ms = 0;
  set_problem(problem);
  state_ = State::Backoff;
  emit(StartTimer{retry_delay_});
  retry_delay_ = std::min(retry_delay_ * 2, kRetryDelayMax);
}

// ---- steps of Watching --------------------------------------------------------------------------

// Looked continues with the current state or step.
void Tree::look() {
  if (looking_) return;
  looking_ = true;
  emit(Look{.folders = {folders_.begin(), folders_.end()}});
  folders_.clear();  // Looked::repositories puts their repositories back
}

void Tree::look_while_watching(const Looked& looked, TimePoint now) {
  if (looked.folder.empty()) return miss_folder(now);
  if (looked.folder != tree_.directory_id) {
    return end_watch(fmt::format("{} was replaced by another directory", settings_.directory), now);
  }
  const LockPatience::Decision decision = patience_.judge(looked.locks, now);
  for (const GitLock& lock : decision.given_up) {
    say(Say::Level::Warning,
        fmt::format(
            "{} has existed for {} s: hpp no longer waits for git. If no git command is running, "
            "git has crashed; delete that file",
            lock.path, duration_cast<seconds>(kGitLockPatience).count()));
  }
  if (decision.is_held) return wait_for_git();
  go_on_without_lock();
}

// The reports so far may be only a part of what git writes, so another Sync must follow. If one is
// in flight, its answer causes another look.
void Tree::wait_for_git() {
  covering_.reset();
  covered_.reset();
  publish_settling();
  if (step_ == Step::Syncing) return;
  step_ = Step::Locked;
  emit(StartTimer{kLockLookPause});
}

void Tree::go_on_without_lock() {
  if (step_ == Step::Locked) end_step();
  if (tree_.settling && !covered_) {
    if (step_ == Step::Syncing) return;  // this Sync fetches the remaining changes
    if (step_ == Step::Idle && can_sync_) return sync();
  }
  if (covered_) tree_.answers = *std::exchange(covered_, std::nullopt);
  tree_.settling = false;
  folders_.clear();
  if (tree_ != told_) publish();
  if (step_ == Step::Idle && can_answer()) sync();
}

// The timer has expired.
void Tree::go_on_watching() {
  if (step_ == Step::Locked) return look();
  if (step_ != Step::Pausing) return;
  step_ = Step::Idle;
  if (can_answer()) look();
}

// Whether a ticket has no answer yet, and the source can sync.
bool Tree::can_answer() const {
  return can_sync_ && asked_.epoch != 0 && !tree_.answers.covers(asked_);
}

void Tree::sync() {
  step_ = Step::Syncing;
  covering_ = asked_;
  emit(Sync{});
}

void Tree::pause() {
  step_ = Step::Pausing;
  emit(StartTimer{std::min(kSyncPauseMin * sync_failures_, kSyncPauseMax)});
}

void Tree::tell_sync_trouble(const std::string& why) {
  if (std::exchange(sync_trouble_told_, true)) return;
  say(Say::Level::Warning, "old code may answer requests that come right after a save: " + why);
}

void Tree::end_step() {
  step_ = Step::Idle;
  emit(StopTimer{});
}

// ---- counting -----------------------------------------------------------------------------------

void Tree::count(const std::vector<ChangedFile>& files) {
  for (const ChangedFile& file : files) {
    const std::string_view folder = parent_of(file.name);
    if (!folder.empty()) folders_.emplace(folder);
  }
  const std::vector<ChangedFile> news = counter_.news_of(files);
  if (news.empty()) return;
  say(Say::Level::Debug, files_changed(news.front().name, news.size()));
  std::vector<std::string> backend = counter_.count_for_browsers(news, tree_);
  const bool is_env_file =
      std::find(backend.begin(), backend.end(), settings_.filter.env_file) != backend.end();
  if (!settings_.filter.gitignore || is_env_file) {
    counter_.count_for_backend(backend, tree_);
  } else if (!backend.empty()) {
    emit(AskGit{std::move(backend)});
  }
}

void Tree::count_unknown(const std::string& why) {
  counter_.count_unknown(tree_);
  say(Say::Level::Info, fmt::format("{}: that counts as a change", why));
}

// ---- publishing and logging ---------------------------------------------------------------------

// A problem that recurs at the next attempt is not logged again.
void Tree::set_problem(const std::string& problem) {
  if (!is_same_problem(tree_.problem, problem)) {
    say(Say::Level::Warning, fmt::format("not watching: {}", problem));
  }
  tree_.watching = false;
  tree_.problem = problem;
  publish();
}

void Tree::publish() {
  told_ = tree_;
  counter_.end_batch();
  emit(Publish{tree_});
}

// Publishes only that git is writing, on top of the last snapshot. Reports since then are kept
// until git is done. If watchd dies before that, the published clock precedes them, so the next
// watchd gets them reported again.
void Tree::publish_settling() {
  tree_.settling = true;
  if (told_->settling) return;
  told_->settling = true;
  emit(Publish{*told_});
}

void Tree::say(Say::Level level, std::string text) {
  emit(Say{level, std::move(text)});
}

}  // namespace hpp::watchd
