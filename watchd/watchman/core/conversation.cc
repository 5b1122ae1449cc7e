#include "watchd/watchman/core/conversation.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "watchd/watchman/core/clock.h"

namespace hpp::watchd::watchman {
namespace {

// Whether Watchman does not know the command: flush-subscriptions came with 4.8.
bool is_unknown_command(const std::string& error) {
  return error.starts_with("unknown command");
}

std::vector<ChangedFile> changed_files(const Changes& changes) {
  std::vector<ChangedFile> files;
  files.reserve(changes.files.size());
  for (const File& file : changes.files) files.push_back(file.changed);
  return files;
}

}  // namespace

std::string_view to_string(Conversation::State state) {
  switch (state) {
    case Conversation::State::Off:
      return "Off";
    case Conversation::State::Finding:
      return "Finding";
    case Conversation::State::Connecting:
      return "Connecting";
    case Conversation::State::Resolving:
      return "Resolving";
    case Conversation::State::Forgetting:
      return "Forgetting";
    case Conversation::State::CatchingUp:
      return "CatchingUp";
    case Conversation::State::Subscribing:
      return "Subscribing";
    case Conversation::State::Watching:
      return "Watching";
  }
  return "";
}

Conversation::Conversation(Settings settings)
    : settings_(std::move(settings)), asks_files_(settings_.filter.ignore_unchanged) {}

Effects Conversation::on(const Event& event) {
  std::visit([&](const auto& e) { handle(e); }, event);
  return take_effects();
}

// ---- orders of Tree -----------------------------------------------------------------------------

void Conversation::handle(const Watch& order) {
  assert(state_ == State::Off);
  clock_ = order.since;
  is_replaced_ = order.is_replaced;
  has_begun_ = false;
  must_list_links_ = must_list_links_ || clock_.empty();
  enter(State::Finding);
  emit(FindSocket{});
}

void Conversation::handle(const Unwatch&) {
  if (state_ != State::Off) turn_off();
}

// In any other state, Lost has been emitted and will reach Tree.
void Conversation::handle(const Sync&) {
  if (state_ != State::Watching) return;
  assert(!is_flushing_);
  is_flushing_ = true;
  emit(StartTimer{kAnswerTimeout});
  emit(Send{flush_request(place_)});
}

// ---- events of the shell ------------------------------------------------------------------------

void Conversation::handle(const SocketFound& event) {
  if (state_ != State::Finding) return;
  enter(State::Connecting);
  emit(Connect{event.path});
}

void Conversation::handle(const SocketNotFound& event) {
  if (state_ == State::Finding) lose(event.why);
}

void Conversation::handle(const Connected& event) {
  if (state_ != State::Connecting) return;
  directory_ = event.directory.empty() ? settings_.directory : event.directory;
  has_forgotten_ = false;
  resolve();
}

void Conversation::handle(const Disconnected& event) {
  if (state_ != State::Off && state_ != State::Finding) lose(event.why);
}

void Conversation::handle(const PduArrived& event) {
  switch (state_) {
    case State::Off:
    case State::Finding:
    case State::Connecting:
      return;  // a late PDU of an earlier connection
    case State::Resolving:
    case State::Forgetting:
    case State::CatchingUp:
    case State::Subscribing:
    case State::Watching:
      break;
  }
  const Received received = read_pdu(event.bytes);
  tell_warning(received.warning);
  std::visit([&](const auto& pdu) { take(pdu); }, received.pdu);
}

void Conversation::handle(const PduTooLong& event) {
  if (state_ == State::CatchingUp && question_ == Question::Files) asks_files_ = false;
  clock_.clear();
  handle(Disconnected{fmt::format("Watchman sent {} bytes at once", event.size)});
}

void Conversation::handle(const RootSeen& event) {
  if (!std::exchange(is_looking_, false) || state_ != State::Resolving) return;
  if (!has_forgotten_ && may_watch_old_root(event.id)) {
    has_forgotten_ = true;
    enter(State::Forgetting);
    emit(Send{watch_del_request(place_.root)});
    return;
  }
  root_id_ = event.id;
  catch_up(Cookie::Wanted);
}

void Conversation::handle(const TimerExpired&) {
  switch (state_) {
    case State::Off:
      return;
    case State::Finding:
      return lose("watchman get-sockname does not end");
    case State::Connecting:
      return lose("Watchman does not take the connection");
    case State::Resolving:
    case State::CatchingUp:
      if (!has_begun_ && ++timeouts_ < kCrawlPatience) return wait_for_crawl();
      return lose("Watchman does not answer");
    case State::Forgetting:
    case State::Subscribing:
      return lose("Watchman does not answer");
    case State::Watching:
      if (is_flushing_) lose("Watchman does not answer");
      return;
  }
}

// ---- PDUs of Watchman ---------------------------------------------------------------------------

void Conversation::take(const ProjectWatched& pdu) {
  if (state_ != State::Resolving || is_looking_) return lose_odd("an answer to watch-project");
  if (place_.root != pdu.place.root) root_id_.clear();
  place_ = pdu.place;
  is_looking_ = true;
  emit(LookAtRoot{place_.root});
}

void Conversation::take(const RootForgotten&) {
  if (state_ != State::Forgetting) return lose_odd("an answer to watch-del");
  resolve();
}

void Conversation::take(const ClockTold& pdu) {
  if (state_ != State::CatchingUp || question_ != Question::Clock) return lose_odd("a clock");
  begin({.clock = pdu.clock});
}

void Conversation::take(const ChangesTold& pdu) {
  if (state_ != State::CatchingUp || question_ == Question::Clock) {
    return lose_odd("a list of files");
  }
  switch (question_) {
    case Question::Changes:
      report(pdu.changes);
      return next_question() == Question::Links ? catch_up(cookie_) : subscribe();
    case Question::Links:
      list_links(pdu.changes);
      if (has_begun_) return subscribe();
      if (next_question() != Question::Clock) return catch_up(cookie_);
      return begin({.clock = pdu.changes.clock});
    case Question::Files:
    case Question::Clock:
      return begin(pdu.changes);
  }
}

void Conversation::take(const Subscribed&) {
  if (state_ != State::Subscribing) return lose_odd("an answer to subscribe");
  enter(State::Watching);
  emit(Watching{});
}

void Conversation::take(const FilesChanged& pdu) {
  if (state_ != State::Subscribing && state_ != State::Watching) {
    return lose_odd("files of a subscription");
  }
  report(pdu.changes);
}

// If changes were dropped, clock_ precedes them, and the next connection asks for them.
void Conversation::take(const Flushed& pdu) {
  if (!is_flushing_) return lose_odd("an answer to flush-subscriptions");
  if (pdu.is_dropped) return lose_odd("a report of dropped changes");
  end_flush();
  emit(Synced{});
}

void Conversation::take(const Canceled&) {
  lose("Watchman has stopped watching: the directory was deleted, or watch-del was run");
}

void Conversation::take(const Chatter&) {}

void Conversation::take(const Refused& pdu) {
  if (is_flushing_) return refuse_flush(pdu.error);
  if (state_ == State::Forgetting) return resolve();
  if (state_ == State::CatchingUp && cookie_ == Cookie::Wanted) {
    say(Say::Level::Debug,
        "Watchman refuses a query with a cookie, so hpp asks without one: " + pdu.error);
    return catch_up(Cookie::None);
  }
  if (state_ == State::CatchingUp && question_ == Question::Links) {
    say(Say::Level::Debug, "Watchman does not list symbolic links: " + pdu.error);
    settings_.lists_links = false;
    return has_begun_ ? subscribe() : catch_up(Cookie::Wanted);
  }
  if (state_ == State::CatchingUp) clock_.clear();
  lose("Watchman says: " + pdu.error);
}

void Conversation::take(const Unknown& pdu) {
  lose_odd(pdu.why);
}

// ---- steps --------------------------------------------------------------------------------------

// Every state but Off and Watching has a timeout.
void Conversation::enter(State state) {
  if (state != state_) {
    say(Say::Level::Debug, fmt::format("{} ─► {}", to_string(state_), to_string(state)));
  }
  state_ = state;
  timeouts_ = 0;
  if (state == State::Off || state == State::Watching) return emit(StopTimer{});
  emit(StartTimer{kAnswerTimeout});
}

void Conversation::resolve() {
  enter(State::Resolving);
  emit(Send{watch_project_request(directory_)});
}

bool Conversation::may_watch_old_root(const std::string& root_id) const {
  if (root_id_.empty()) return is_replaced_ && place_.relative_path.empty();
  return root_id_ != root_id;
}

void Conversation::catch_up(Cookie cookie) {
  cookie_ = cookie;
  question_ = next_question();
  enter(State::CatchingUp);
  switch (question_) {
    case Question::Changes:
      return emit(Send{changes_request(place_, clock_, settings_.filter, cookie)});
    case Question::Links:
      return emit(Send{links_request(place_, settings_.filter, cookie)});
    case Question::Files:
      return emit(Send{files_request(place_, settings_.filter, cookie)});
    case Question::Clock:
      return emit(Send{clock_request(place_, cookie)});
  }
}

// The answer to Links also contains the clock, so that question makes Clock unnecessary.
Conversation::Question Conversation::next_question() const {
  if (settings_.lists_links && must_list_links_) return Question::Links;
  if (!clock_.empty()) return Question::Changes;
  return asks_files_ ? Question::Files : Question::Clock;
}

void Conversation::list_links(const Changes& links) {
  must_list_links_ = were_links_lost_ = false;
  std::vector<std::string> names;
  for (const File& link : links.files) names.push_back(link.changed.name);
  emit(LinksListed{std::move(names)});
}

void Conversation::begin(const Changes& files) {
  clock_ = files.clock;
  has_begun_ = true;
  emit(Began{.clock = clock_, .files = changed_files(files)});
  subscribe();
}

// Watchman may report the same change twice (pdu.h, Changes).
void Conversation::report(const Changes& changes) {
  Changed changed{.clock = changes.clock, .files = {}, .lost_track = {}};
  if (changes.is_fresh_instance) {
    changed.lost_track = "Watchman has lost track of the files";
    must_list_links_ = true;
    if (state_ != State::CatchingUp) list_links(changes);
  } else {
    for (const File& file : changes.files) {
      if (!is_known(file.clock, clock_)) changed.files.push_back(file.changed);
    }
  }
  clock_ = changes.clock;
  has_begun_ = true;
  emit(std::move(changed));
}

void Conversation::subscribe() {
  enter(State::Subscribing);
  emit(Send{subscribe_request(place_, clock_, settings_.filter)});
}

void Conversation::wait_for_crawl() {
  emit(Delayed{"Watchman does not answer yet: it may be reading a large directory"});
  emit(StartTimer{kAnswerTimeout});
}

void Conversation::end_flush() {
  is_flushing_ = false;
  emit(StopTimer{});
}

void Conversation::refuse_flush(const std::string& error) {
  say(Say::Level::Debug, "Watchman does not flush: " + error);
  end_flush();
  if (is_unknown_command(error)) {
    return emit(
        SyncFailed{.why = "this Watchman does not know flush-subscriptions, which came with 4.8",
                   .is_final = true});
  }
  emit(SyncFailed{.why = "Watchman says: " + error});
}

void Conversation::turn_off() {
  is_flushing_ = false;
  emit(Disconnect{});
  enter(State::Off);
}

// If the answer to Links is unusable, for example too long, and hpp asked again after each
// reconnect, watching would never begin. A single loss may have another reason.
void Conversation::lose(const std::string& why) {
  if (state_ == State::CatchingUp && question_ == Question::Links &&
      std::exchange(were_links_lost_, true)) {
    settings_.lists_links = false;
  }
  turn_off();
  emit(Lost{.why = why, .clock = clock_});
}

void Conversation::lose_odd(std::string_view what) {
  lose(fmt::format("Watchman sent something unexpected: {}", what));
}

void Conversation::tell_warning(const std::string& warning) {
  if (warning.empty() || warning == warning_told_) return;
  warning_told_ = warning;
  say(Say::Level::Warning, "Watchman warns: " + warning);
}

void Conversation::say(Say::Level level, std::string text) {
  emit(Say{level, std::move(text)});
}

}  // namespace hpp::watchd::watchman
