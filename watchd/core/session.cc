#include "watchd/core/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/text.h"
#include "watchd/core/clock.h"

namespace hpp::watchd {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Whether two problems differ in more than their numbers: Watchman's have a counter or a pid in
// them, and would be news with every attempt.
bool is_same_problem(std::string one, std::string other) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::erase_if(one, is_digit);
  std::erase_if(other, is_digit);
  return one == other;
}

// Files that changed together: the first by name, all by number.
struct Batch {
  std::vector<std::string> paths;
  std::uint64_t count = 0;

  void add(const std::string& path) {
    if (++count <= bus::kChangedPathsMax) paths.push_back(path);
  }
};

// Watchman before 4.8, of a command.
bool is_unknown_command(const std::string& error) {
  return error.starts_with("unknown command");
}

// The folder that a file is in; empty: the project folder.
std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, slash);
}

}  // namespace

const char* to_string(Session::State state) {
  switch (state) {
    case Session::State::Finding:
      return "Finding";
    case Session::State::Connecting:
      return "Connecting";
    case Session::State::Resolving:
      return "Resolving";
    case Session::State::Forgetting:
      return "Forgetting";
    case Session::State::CatchingUp:
      return "CatchingUp";
    case Session::State::Subscribing:
      return "Subscribing";
    case Session::State::Watching:
      return "Watching";
    case Session::State::Backoff:
      return "Backoff";
  }
  return "";
}

Session::Session(Settings settings) : settings_(std::move(settings)), concerns_(settings_.filter) {
  tree_.directory = settings_.directory;
  if (!settings_.resumed) return;
  tree_ = *settings_.resumed;
  tree_.stamp = {};
  tree_.directory = settings_.directory;
  tree_.watching = false;
  tree_.problem.clear();
  tree_.answers = {};
  tree_.settling = false;
  told_ = tree_;
  links_done_ = true;
}

Effects Session::on(const Event& event, TimePoint now) {
  std::visit([&](const auto& e) { handle(e, now); }, event);
  return std::exchange(effects_, {});
}

// ---- events of the shell ------------------------------------------------------------------------

void Session::handle(const Started&, TimePoint) {
  find();
}

void Session::handle(const SocketFound& event, TimePoint) {
  if (state_ != State::Finding) return;
  enter(State::Connecting);
  emit(Connect{event.path});
}

void Session::handle(const SocketNotFound& event, TimePoint now) {
  if (state_ == State::Finding) fail(event.why, now);
}

void Session::handle(const Connected&, TimePoint) {
  if (state_ != State::Connecting) return;
  has_forgotten_ = false;
  resolve();
}

void Session::handle(const Disconnected& event, TimePoint now) {
  if (state_ == State::Finding || state_ == State::Backoff) return;
  fail(event.why, now);
}

void Session::handle(const PduArrived& event, TimePoint now) {
  switch (state_) {
    case State::Finding:
    case State::Connecting:
    case State::Backoff:
      return;  // of a connection that is given up
    case State::Resolving:
    case State::Forgetting:
    case State::CatchingUp:
    case State::Subscribing:
    case State::Watching:
      break;
  }
  const Received received = read_pdu(event.bytes);
  tell_warning(received.warning);
  std::visit([&](const auto& pdu) { take(pdu, now); }, received.pdu);
}

void Session::handle(const TimerExpired&, TimePoint now) {
  switch (state_) {
    case State::Backoff:
      return find();
    case State::Finding:
      return fail("watchman get-sockname does not end", now);
    case State::Connecting:
      return fail("Watchman does not take the connection", now);
    case State::Resolving:
    case State::CatchingUp:
      if (++timeouts_ < kCrawlPatience) return wait_for_crawl();
      return fail("Watchman does not answer", now);
    case State::Forgetting:
    case State::Subscribing:
      return fail("Watchman does not answer", now);
    case State::Watching:
      return go_on_watching(now);
  }
}

// Of another epoch is a new proxyd's, whose numbers begin anew.
void Session::handle(const TicketSeen& event, TimePoint) {
  if (event.ticket.epoch == 0 || asked_.covers(event.ticket)) return;
  asked_ = event.ticket;
  if (state_ == State::Watching && step_ == Step::Idle && can_flush()) look();
}

void Session::handle(const Looked& event, TimePoint now) {
  if (!looking_) return;
  looking_ = false;
  folders_.insert(event.repositories.begin(), event.repositories.end());
  switch (state_) {
    case State::Finding:
      return find_with_folder(event, now);
    case State::Resolving:
      return resolve_root(event);
    case State::Watching:
      return look_while_watching(event, now);
    case State::Connecting:
    case State::Forgetting:
    case State::CatchingUp:
    case State::Subscribing:
    case State::Backoff:
      return;
  }
}

// In the other states a look is to come: before the search, or as soon as the watch begins.
void Session::handle(const FolderStirred&, TimePoint) {
  if (state_ == State::Watching) return look();
  if (state_ == State::Backoff) find();
}

void Session::handle(const GitAsked& event, TimePoint) {
  const bool works = event.problem.empty();
  if (!works && !git_trouble_told_) {
    say(Say::Level::Warning, "--gitignore does not work: " + event.problem);
  }
  git_trouble_told_ = !works;
  if (links_.empty()) return count_for_backend(event.files);
  keep_links(event.files);
  warn_of_links();
}

void Session::handle(const LinksFollowed& event, TimePoint) {
  links_ = links_that_count(event.links, settings_.filter);
  if (links_.empty() || !settings_.filter.gitignore) return warn_of_links();
  std::vector<std::string> names;
  for (const OutsideLink& link : links_) names.push_back(link.name);
  emit(AskGit{std::move(names)});
}

// ---- PDUs of Watchman ---------------------------------------------------------------------------

void Session::take(const ProjectWatched& pdu, TimePoint now) {
  if (state_ != State::Resolving || looking_) return fail_odd("an answer to watch-project", now);
  if (place_.root != pdu.place.root) root_id_.clear();
  place_ = pdu.place;
  look();
}

void Session::take(const RootForgotten&, TimePoint now) {
  if (state_ != State::Forgetting) return fail_odd("an answer to watch-del", now);
  resolve();
}

void Session::take(const ClockTold& pdu, TimePoint now) {
  if (state_ != State::CatchingUp || question_ != Question::Clock) return fail_odd("a clock", now);
  if (told_) count_unknown("nobody watched the files for a while");
  subscribe(pdu.clock);
}

void Session::take(const ChangesTold& pdu, TimePoint now) {
  if (state_ != State::CatchingUp || question_ == Question::Clock) {
    return fail_odd("a list of files", now);
  }
  if (question_ == Question::Changes) {
    count(pdu.changes);
    return subscribe(pdu.changes.clock);
  }
  if (question_ == Question::Links) {
    follow_links(pdu.changes);
    if (next_question() == Question::Contents) return catch_up(sync_);
  }
  if (told_) count_unknown("nobody watched the files for a while");
  if (question_ == Question::Contents) contents_.learn(pdu.changes);
  subscribe(pdu.changes.clock);
}

void Session::take(const Subscribed&, TimePoint now) {
  if (state_ != State::Subscribing) return fail_odd("an answer to subscribe", now);
  enter(State::Watching);
  retry_delay_ = kRetryDelayMin;
  tree_.watching = true;
  tree_.problem.clear();
  if (lost_at_) {
    say(Say::Level::Info, fmt::format("watching {} again after {} ms", settings_.directory,
                                      duration_cast<milliseconds>(now - *lost_at_).count()));
  } else {
    say(Say::Level::Info, fmt::format("watching {}", settings_.directory));
  }
  lost_at_.reset();
  publish();
  look();
}

void Session::take(const FilesChanged& pdu, TimePoint now) {
  if (state_ != State::Subscribing && state_ != State::Watching) {
    return fail_odd("news of a subscription", now);
  }
  count(pdu.changes);
  tree_.clock = pdu.changes.clock;
  if (state_ == State::Watching) look();
}

void Session::take(const Flushed& pdu, TimePoint now) {
  if (state_ != State::Watching || step_ != Step::Flushing) {
    return fail_odd("an answer to flush-subscriptions", now);
  }
  // Our clock is of before: the next connection asks for what was dropped.
  if (pdu.is_dropped) return fail_odd("word of changes that it keeps to itself", now);
  refusals_ = 0;
  flush_trouble_told_ = false;
  rest();
  covered_ = std::exchange(covering_, std::nullopt);
  look();
}

void Session::take(const Canceled&, TimePoint now) {
  fail("Watchman has stopped watching: the directory is gone, or somebody ran watch-del", now);
}

void Session::take(const Chatter&, TimePoint) {}

void Session::take(const Refused& pdu, TimePoint now) {
  if (state_ == State::Watching && step_ == Step::Flushing) return pause(pdu.error);
  if (state_ == State::Forgetting) return resolve();
  if (state_ == State::CatchingUp && sync_ == Sync::Full) {
    say(Say::Level::Debug, "Watchman cannot answer in step: " + pdu.error);
    return catch_up(Sync::None);
  }
  if (state_ == State::CatchingUp && question_ == Question::Links) {
    say(Say::Level::Debug, "Watchman does not list symbolic links: " + pdu.error);
    links_done_ = true;
    return catch_up(Sync::Full);
  }
  if (state_ == State::CatchingUp) tree_.clock.clear();
  fail("Watchman says: " + pdu.error, now);
}

void Session::take(const Unknown& pdu, TimePoint now) {
  fail_odd(pdu.why, now);
}

// ---- steps --------------------------------------------------------------------------------------

void Session::find() {
  enter(State::Finding);
  look();
}

void Session::find_with_folder(const Looked& looked, TimePoint now) {
  if (looked.folder.empty()) return miss_folder(now);
  missing_since_.reset();
  absence_counted_ = false;
  folder_ = looked.folder;
  if (!tree_.directory_id.empty() && tree_.directory_id != folder_) {
    is_replaced_ = true;
    tree_.clock.clear();
  }
  emit(FindSocket{});
}

// Whatever is there when the folder is back, it counts: without a clock there is no other answer.
void Session::miss_folder(TimePoint now) {
  is_replaced_ = true;
  tree_.clock.clear();
  if (!missing_since_) missing_since_ = now;
  if (told_ && !absence_counted_ && now - *missing_since_ >= kAbsenceMax) {
    absence_counted_ = true;
    count_unknown("the project folder is gone");
  }
  fail(fmt::format("{} does not exist; hpp goes on when it is back", settings_.directory), now);
}

void Session::resolve() {
  enter(State::Resolving);
  emit(Send{watch_project_request(settings_.directory)});
}

void Session::resolve_root(const Looked& looked) {
  if (!has_forgotten_ && may_watch_old_root(looked)) {
    has_forgotten_ = true;
    enter(State::Forgetting);
    emit(Send{watch_del_request(place_.root)});
    return;
  }
  is_replaced_ = false;
  root_id_ = looked.root;
  tree_.directory_id = folder_;
  catch_up(Sync::Full);
}

// A watchd that was started again does not know which directory its predecessor's root was.
bool Session::may_watch_old_root(const Looked& looked) const {
  if (root_id_.empty()) return is_replaced_ && place_.relative_path.empty();
  return root_id_ != looked.root;
}

// Every state but Watching ends in time, and so does every step of that but Idle; fail() sets the
// delay of Backoff itself.
void Session::enter(State state) {
  if (state != state_) {
    say(Say::Level::Debug, fmt::format("{} ─► {}", to_string(state_), to_string(state)));
  }
  state_ = state;
  timeouts_ = 0;
  if (state == State::Watching) {
    flush_is_known_ = true;
    refusals_ = 0;
    emit(StopTimer{});
  } else if (state != State::Backoff) {
    emit(StartTimer{kAnswerTimeout});
  }
}

void Session::catch_up(Sync sync) {
  sync_ = sync;
  question_ = next_question();
  enter(State::CatchingUp);
  switch (question_) {
    case Question::Changes:
      return emit(Send{changes_request(place_, tree_.clock, settings_.filter, sync)});
    case Question::Links:
      return emit(Send{links_request(place_, settings_.filter, sync)});
    case Question::Contents:
      return emit(Send{contents_request(place_, settings_.filter, sync)});
    case Question::Clock:
      return emit(Send{clock_request(place_, sync)});
  }
}

// The answer to Links also tells the clock, so Clock need not be asked.
Session::Question Session::next_question() const {
  if (!tree_.clock.empty()) return Question::Changes;
  if (!links_done_) return Question::Links;
  return settings_.filter.ignore_unchanged ? Question::Contents : Question::Clock;
}

void Session::follow_links(const Changes& links) {
  links_done_ = true;
  std::vector<std::string> names;
  for (const ChangedFile& link : links.files) names.push_back(link.name);
  if (!names.empty()) emit(FollowLinks{std::move(names)});
}

// Keeps only the links in `names`; git ignores the others.
void Session::keep_links(const std::vector<std::string>& names) {
  const std::unordered_set<std::string_view> kept(names.begin(), names.end());
  std::erase_if(links_, [&](const OutsideLink& link) { return !kept.contains(link.name); });
}

void Session::warn_of_links() {
  if (!links_.empty()) say(Say::Level::Warning, outside_warning(links_));
  links_.clear();
}

void Session::subscribe(const std::string& clock) {
  tree_.clock = clock;
  enter(State::Subscribing);
  emit(Send{subscribe_request(place_, clock, settings_.filter)});
}

void Session::wait_for_crawl() {
  set_problem("Watchman does not answer yet: it may be reading a large directory");
  emit(StartTimer{kAnswerTimeout});
}

// ---- steps of Watching --------------------------------------------------------------------------

void Session::go_on_watching(TimePoint now) {
  switch (step_) {
    case Step::Idle:
      return;
    case Step::Flushing:
      return fail("Watchman does not answer", now);
    case Step::Locked:
      return look();
    case Step::Pausing:
      step_ = Step::Idle;
      if (can_flush()) look();
      return;
  }
}

void Session::rest() {
  step_ = Step::Idle;
  emit(StopTimer{});
}

// The answer goes on with whatever is to be done.
void Session::look() {
  if (looking_) return;
  looking_ = true;
  emit(Look{.root = place_.root, .folders = {folders_.begin(), folders_.end()}});
  folders_.clear();  // Looked::repositories brings back those to look at again
}

void Session::look_while_watching(const Looked& looked, TimePoint now) {
  if (looked.folder.empty()) return miss_folder(now);
  if (looked.folder != tree_.directory_id) {
    return fail(fmt::format("{} is another directory now", settings_.directory), now);
  }
  const LockPatience::Verdict verdict = patience_.judge(looked.locks, now);
  for (const GitLock& lock : verdict.given_up) {
    say(Say::Level::Warning,
        fmt::format("git has not finished for {} s, or has crashed: going on in spite of {}",
                    duration_cast<seconds>(kLockPatience).count(), lock.path));
  }
  if (verdict.is_held) return wait_for_git();
  go_on_without_lock();
}

// Whatever a flush has told by now may be half of what git writes: another has to follow. The one
// that is in flight makes us look again by its answer.
void Session::wait_for_git() {
  covering_.reset();
  covered_.reset();
  publish_settling();
  if (step_ == Step::Flushing) return;
  step_ = Step::Locked;
  emit(StartTimer{kLockLookPause});
}

void Session::go_on_without_lock() {
  if (step_ == Step::Locked) rest();
  if (tree_.settling && !covered_) {
    if (step_ == Step::Flushing) return;  // its answer comes with the rest
    if (step_ == Step::Idle && flush_is_known_) return flush();
  }
  if (covered_) tree_.answers = *std::exchange(covered_, std::nullopt);
  tree_.settling = false;
  folders_.clear();
  if (tree_ != told_) publish();
  if (step_ == Step::Idle && can_flush()) flush();
}

// Whether somebody waits for an answer that can be had.
bool Session::can_flush() const {
  return flush_is_known_ && asked_.epoch != 0 && !tree_.answers.covers(asked_);
}

void Session::flush() {
  step_ = Step::Flushing;
  covering_ = asked_;
  emit(StartTimer{kAnswerTimeout});
  emit(Send{flush_request(place_)});
}

// Without an answer. What has been told is published nevertheless.
void Session::pause(const std::string& error) {
  say(Say::Level::Debug, "Watchman does not flush: " + error);
  covering_.reset();
  if (is_unknown_command(error)) {
    flush_is_known_ = false;
    tell_flush_trouble("this Watchman does not know flush-subscriptions, which came with 4.8");
    rest();
  } else {
    if (++refusals_ == kFlushPatience) tell_flush_trouble("Watchman says: " + error);
    step_ = Step::Pausing;
    emit(StartTimer{std::min(kFlushPauseMin * refusals_, kFlushPauseMax)});
  }
  look();
}

void Session::tell_flush_trouble(const std::string& why) {
  if (flush_trouble_told_) return;
  flush_trouble_told_ = true;
  say(Say::Level::Warning, "a request may meet old code for a moment after a save: " + why);
}

void Session::stop_flushing() {
  step_ = Step::Idle;
  covering_.reset();
  covered_.reset();
  folders_.clear();
  tree_.settling = false;
}

// ---- what is told -------------------------------------------------------------------------------

void Session::count(const Changes& changes) {
  if (changes.is_fresh_instance) return count_unknown("Watchman has lost track of the files");
  for (const ChangedFile& file : changes.files) {
    if (std::string folder = folder_of(file.name); !folder.empty()) folders_.insert(folder);
  }
  const std::vector<ChangedFile> files = news_of(changes);
  if (files.empty()) return;
  say(Say::Level::Debug, files_changed(files.front().name, files.size()));
  transient_.clear();
  std::vector<std::string> backend;
  Batch css;
  Batch reload;
  for (const ChangedFile& file : files) {
    if (file.is_transient()) transient_.insert(file.name);
    switch (concerns_.of(file.name)) {
      case Concern::Backend:
        backend.push_back(file.name);
        break;
      case Concern::StyleSheet:
        css.add(file.name);
        break;
      case Concern::Page:
        reload.add(file.name);
        break;
    }
  }
  if (!settings_.filter.gitignore) {
    count_for_backend(backend);
  } else if (!backend.empty()) {
    emit(AskGit{std::move(backend)});
  }
  if (css.count + reload.count > 0) {
    tree_.refresh = {.count = tree_.refresh.count + 1,
                     .css = std::move(css.paths),
                     .css_count = css.count,
                     .reload = std::move(reload.paths),
                     .reload_count = reload.count};
  }
}

// Files that exist come first.
std::vector<ChangedFile> Session::news_of(const Changes& changes) {
  std::vector<ChangedFile> news;
  for (const ChangedFile& file : changes.files) {
    if (is_known(file.clock, tree_.clock)) continue;
    if (settings_.filter.ignore_unchanged && !contents_.is_news(file)) continue;
    news.push_back(file);
  }
  std::stable_partition(news.begin(), news.end(),
                        [](const ChangedFile& file) { return file.exists; });
  return news;
}

void Session::count_for_backend(const std::vector<std::string>& files) {
  if (files.empty()) return;
  Batch batch;
  for (const std::string& file : files) {
    if (!transient_.contains(file)) batch.add(file);
  }
  if (batch.count == 0) batch.count = files.size();
  ++tree_.revision;
  tree_.changed = std::move(batch.paths);
  tree_.changed_count = batch.count;
}

void Session::count_unknown(const char* why) {
  contents_.forget();
  ++tree_.revision;
  tree_.changed.clear();
  tree_.changed_count = 0;
  say(Say::Level::Info, fmt::format("{}: that counts as a change", why));
}

// The list of links is for a warning only. If its answer cannot be used, for example because it is
// too long, asking again after each reconnect would mean that watching never begins.
void Session::fail(const std::string& problem, TimePoint now) {
  if (state_ == State::Watching) lost_at_ = now;
  if (state_ == State::CatchingUp && question_ == Question::Links) links_done_ = true;
  emit(Disconnect{});
  stop_flushing();
  set_problem(problem);
  enter(State::Backoff);
  emit(StartTimer{retry_delay_});
  retry_delay_ = std::min(retry_delay_ * 2, kRetryDelayMax);
}

void Session::fail_odd(std::string_view what, TimePoint now) {
  fail(fmt::format("Watchman sent something unexpected: {}", what), now);
}

// The same problem met again by the next attempt is no news.
void Session::set_problem(const std::string& problem) {
  if (!is_same_problem(tree_.problem, problem)) {
    say(Say::Level::Warning, fmt::format("not watching: {}", problem));
  }
  tree_.watching = false;
  tree_.problem = problem;
  publish();
}

void Session::tell_warning(const std::string& warning) {
  if (warning.empty() || warning == warning_told_) return;
  warning_told_ = warning;
  say(Say::Level::Warning, "Watchman warns: " + warning);
}

void Session::publish() {
  told_ = tree_;
  emit(Publish{tree_});
}

// And nothing else: what has come since is kept until git is done. Should we die before, the clock
// that was published with the rest makes our successor count it.
void Session::publish_settling() {
  tree_.settling = true;
  if (told_->settling) return;
  told_->settling = true;
  emit(Publish{*told_});
}

void Session::say(Say::Level level, std::string text) {
  emit(Say{level, std::move(text)});
}

}  // namespace hpp::watchd
