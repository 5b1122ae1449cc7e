#include "watchd/inotify/core/follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>
#include <utility>

#include "watchd/core/paths.h"

namespace hpp::watchd::inotify {
namespace {

using Kind = Directories::Kind;

std::string error_text(int error) {
  return std::generic_category().message(error);
}

std::string limit_problem(std::string_view what, std::string_view sysctl, std::uint64_t limit) {
  return fmt::format(
      "all {} that the system allows are in use ({} is {}): raise the limit with \"sudo sysctl "
      "{}={}\" and restart hpp, or let hpp watch fewer directories with --pattern or --exclude",
      what, sysctl, limit, sysctl, std::max<std::uint64_t>(2 * limit, 1024));
}

}  // namespace

std::string_view to_string(Follower::State state) {
  switch (state) {
    case Follower::State::Off:
      return "Off";
    case Follower::State::Crawling:
      return "Crawling";
    case Follower::State::Watching:
      return "Watching";
  }
  return "";
}

Follower::Follower(Settings settings)
    : settings_(std::move(settings)), scope_(settings_.filter, settings_.ignored) {}

Effects Follower::on(const Event& event, TimePoint now) {
  now_ = now;
  std::visit([&](const auto& e) { handle(e); }, event);
  return take_effects();
}

// ---- orders of Tree -----------------------------------------------------------------------------

void Follower::handle(const Watch& order) {
  assert(state_ == State::Off);
  state_ = State::Crawling;
  since_ = read_clock(order.since);
  emit(OpenQueue{since_ ? since_->token : ""});
}

void Follower::handle(const Unwatch&) {
  if (state_ != State::Off) turn_off();
}

// In any other state, Lost has been emitted and will reach Tree.
void Follower::handle(const Sync&) {
  if (state_ != State::Watching) return;
  assert(!is_syncing_);
  is_syncing_ = true;
  is_sync_unread_ = true;
  is_read_ = false;
  readings_ = 0;
  if (!is_in_round_) start_round();
}

// ---- events of the shell ------------------------------------------------------------------------

void Follower::handle(const QueueOpened& event) {
  if (state_ == State::Off) return;
  if (event.error == EMFILE && event.limit > 0) {
    return lose_for_good(
        limit_problem("inotify instances", "fs.inotify.max_user_instances", event.limit));
  }
  if (event.error != 0) return lose("inotify does not work: " + error_text(event.error));
  token_ = event.token;
  is_kept_ = event.is_kept;
  position_ = is_kept_ ? since_->position : 0;
  if (is_kept_ && event.position != position_) {
    count_unknown("hpp-watchd ended before it could report all changes");
  }
  emit(KeepPosition{position_});
  crawl();
}

void Follower::handle(const DirectoryOpened& event) {
  if (state_ == State::Off) return;
  const Id directory = *directories_.at(opening_.path);
  is_read_ = false;
  if (event.error != 0) {
    refuse(directory, event);
  } else {
    directories_.set_watch(directory, event.watch);
    add_entries(directory, event.entries);
  }
  if (state_ != State::Off) go_on();
}

void Follower::handle(const QueueReadable&) {
  if (state_ == State::Watching && !is_in_round_) start_round();
}

void Follower::handle(const QueueRead& event) {
  if (state_ == State::Off) return;
  for (const QueueEvent& e : event.events) {
    if (e.is == QueueEvent::Is::Overflowed) return take_overflow();
    take(e);
    if (state_ == State::Off) return;
  }
  emit(KeepPosition{position_});
  go_on();
}

void Follower::handle(const Examined& event) {
  if (state_ == State::Off) return;
  std::vector<ChangedFile> files;
  std::size_t at = 0;
  for (const auto& [name, before] : pending_) {
    if (auto file = judge(name, before, event.results[at++])) files.push_back(*std::move(file));
  }
  if (!std::exchange(is_learning_, false)) {
    report_files(std::move(files));
    return finish_round();
  }
  pending_.clear();
  has_begun_ = true;
  emit(Began{.clock = clock(), .files = std::move(files)});
  go_on();
}

void Follower::handle(const LinksFound& event) {
  if (state_ == State::Off) return;
  for (const std::string& name : event.names) note_touched(name, Kind::Unknown);
  end_round();
}

void Follower::handle(const TurnCame&) {
  if (state_ != State::Off) go_on();
}

void Follower::handle(const TimerExpired&) {
  if (state_ != State::Watching) return;
  is_due_ = true;
  if (!is_in_round_) start_round();
}

// ---- events of the kernel -----------------------------------------------------------------------

void Follower::take(const QueueEvent& event) {
  if (event.is == QueueEvent::Is::Ended) return open_again(event.watch);
  const auto directory = directories_.with_watch(event.watch);
  if (!directory) return take_unmatched(event);
  switch (event.is) {
    case QueueEvent::Is::Touched:
    case QueueEvent::Is::Written:
      return touch_file(*directory, event);
    case QueueEvent::Is::Made:
    case QueueEvent::Is::MovedIn:
      return add_directory(*directory, event);
    case QueueEvent::Is::Gone:
      return remove_directory(*directory, event.name);
    case QueueEvent::Is::Permitted:
      return retry_directory(*directory, event.name);
    case QueueEvent::Is::Ended:
    case QueueEvent::Is::Overflowed:
      return;
  }
}

// A FIFO is written whenever processes talk through it.
void Follower::touch_file(Id directory, const QueueEvent& event) {
  const Kind before = directories_.kind(directory, event.name);
  if (event.is == QueueEvent::Is::Written && before == Kind::Special) return;
  const std::string path = directories_.path(directory, event.name);
  touch(path, before);
  const bool may_be_link = event.is == QueueEvent::Is::Touched && scope_.lists_link(path);
  if (may_be_link && !scope_.counts(path)) unmatched_.insert(path);
}

// If a directory is already known when the event of its creation is read, hpp has found it in its
// parent since. If it had been removed and created again, the removal would have been read first.
// So the event adds nothing, unless a crawl has found the directory: a crawl counts no files.
void Follower::add_directory(Id parent, const QueueEvent& event) {
  const auto known = directories_.child(parent, event.name);
  if (known && event.is == QueueEvent::Is::Made && !is_catching_up_ &&
      directories_.is_watched(*known)) {
    return;
  }
  const std::string path = directories_.path(parent, event.name);
  if (!scope_.holds_files(path)) return;
  if (known) forget(*known);
  directories_.add(parent, event.name);
  unopened_.push_back({.path = path, .counts = true});
  note_change();
}

// The files that the directory had while watchd was down are unknown.
void Follower::remove_directory(Id parent, const std::string& name) {
  if (is_catching_up_ && is_kept_ && scope_.holds_files(directories_.path(parent, name))) {
    count_unknown("a folder was removed while hpp-watchd was down");
  }
  if (const auto directory = directories_.child(parent, name)) forget(*directory);
}

void Follower::forget(Id directory) {
  touch_all(directory);
  directories_.remove(directory);
}

// A directory without a watch could not be read. Maybe it can be read now.
void Follower::retry_directory(Id parent, const std::string& name) {
  const auto directory = directories_.child(parent, name);
  if (!directory || directories_.is_watched(*directory)) return;
  unopened_.push_back({.path = directories_.path(*directory), .counts = true});
  note_change();
}

// The kernel has removed a watch. If the directory is still there, it is another one now, or the
// file system that was mounted there is gone.
void Follower::open_again(int watch) {
  const auto directory = directories_.forget_watch(watch);
  if (!directory) return;
  if (*directory == Directories::kRoot) return lose("the project folder is gone");
  touch_all(*directory);
  directories_.empty(*directory);
  unopened_.push_back({.path = directories_.path(*directory), .counts = true});
  note_change();
}

// Reported when the crawl is over, so that the report also covers what it finds.
void Follower::take_overflow() {
  count_unknown("the kernel has dropped file events (fs.inotify.max_queued_events)");
  emit(KeepPosition{position_});
  is_due_ = true;
  is_kept_ = true;
  crawl();
}

// See "directories that move" and "what is lost".
void Follower::take_unmatched(const QueueEvent& event) {
  if (!is_catching_up_ || !is_kept_) return;
  count_unknown("files have changed in a folder that is gone");
  emit(RemoveWatch{event.watch});
}

// ---- directories --------------------------------------------------------------------------------

void Follower::add_entries(Id directory, const std::vector<Entry>& entries) {
  std::vector<std::string> files;
  std::vector<std::string> specials;
  const std::string prefix = opening_.path.empty() ? "" : opening_.path + '/';
  for (const Entry& entry : entries) {
    std::string path = prefix + entry.name;
    switch (entry.is) {
      case Entry::Is::Directory:
        if (!scope_.holds_files(path)) break;
        directories_.add(directory, entry.name);
        unopened_.push_back({.path = std::move(path), .counts = opening_.counts});
        break;
      case Entry::Is::Link:
        if (scope_.lists_link(path)) {
          if (must_list_links_) links_.push_back(path);
          if (opening_.counts) note_touched(path, directories_.kind(directory, entry.name));
        }
        files.push_back(entry.name);
        break;
      case Entry::Is::File:
        if (opening_.counts) touch(path, directories_.kind(directory, entry.name));
        files.push_back(entry.name);
        break;
      case Entry::Is::Special:
        specials.push_back(entry.name);
        break;
    }
  }
  directories_.set_names(directory, std::move(files), std::move(specials));
}

void Follower::refuse(Id directory, const DirectoryOpened& event) {
  switch (event.error) {
    case ENOSPC:
      return lose_for_good(
          limit_problem("inotify watches", "fs.inotify.max_user_watches", event.limit));
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return lose("cannot watch a folder: " + error_text(event.error));
    default:
      break;
  }
  if (directory == Directories::kRoot) {
    return lose("cannot watch the project folder: " + error_text(event.error));
  }
  const bool is_gone = event.error == ENOENT || event.error == ENOTDIR || event.error == ELOOP;
  if (is_gone) return directories_.remove(directory);
  if (!unreadable_told_.contains(opening_.path)) unreadable_[opening_.path] = event.error;
}

// ---- changes ------------------------------------------------------------------------------------

void Follower::touch(const std::string& path, Kind before) {
  if (scope_.counts(path)) note_touched(path, before);
}

void Follower::note_touched(const std::string& path, Kind before) {
  note_change();
  pending_.try_emplace(path, before);
}

void Follower::touch_all(Id directory) {
  directories_.for_each_file(directory, [&](const std::string& path) { touch(path, Kind::File); });
}

// The names that are pending are examined nevertheless, because directories_ must learn them.
void Follower::count_unknown(std::string why) {
  if (lost_track_.empty()) lost_track_ = std::move(why);
  note_change();
}

// The position grows before KeepPosition is emitted for the events that were read. So a watchd that
// ends before it has reported them leaves another position than the one in its last clock.
void Follower::note_change() {
  has_new_changes_ = true;
  if (!std::exchange(has_changes_, true)) ++position_;
  if (!changed_at_) changed_at_ = now_;
}

// Returns what to report about a pending name. Nothing: there is and was no file of that name. If
// there is a file, but its folder is not known any more, another folder has taken that place. The
// queue has an event of the new folder, which leads to a report of the file.
std::optional<ChangedFile> Follower::judge(const std::string& path, Kind before,
                                           const Examined::Result& now) {
  const auto directory = directories_.at(parent_of(path));
  if (directory) directories_.set_kind(*directory, path.substr(path.rfind('/') + 1), now.is);
  const bool is_new = before != Kind::File;
  if (directory && now.is == Kind::File) {
    return ChangedFile{.name = path, .exists = true, .is_new = is_new, .digest = now.digest};
  }
  if (before == Kind::Special || (before == Kind::Unknown && now.is == Kind::Special)) {
    return std::nullopt;
  }
  return ChangedFile{.name = path, .exists = false, .is_new = is_new, .digest = {}};
}

// ---- rounds -------------------------------------------------------------------------------------

void Follower::crawl() {
  directories_.clear();
  links_.clear();
  must_list_links_ = true;
  unopened_ = {{}};
  is_catching_up_ = true;
  start_round();
}

void Follower::start_round() {
  is_in_round_ = true;
  is_read_ = false;
  readings_ = 0;
  has_new_changes_ = false;
  go_on();
}

void Follower::go_on() {
  while (!unopened_.empty() && !directories_.at(unopened_.back().path)) unopened_.pop_back();
  if (!unopened_.empty()) return open_next();
  if (std::exchange(must_list_links_, false)) {
    emit(LinksListed{std::exchange(links_, {})});
    if (state_ == State::Crawling && !has_begun_ && !is_kept_) return begin();
  }
  if (is_read_ || readings_ == kReadingsMax) return end_round();
  ++readings_;
  is_read_ = true;
  is_sync_unread_ = false;
  emit(ReadQueue{});
}

void Follower::open_next() {
  if (opened_in_turn_ == kSlice) {
    opened_in_turn_ = 0;
    return emit(AwaitTurn{});
  }
  ++opened_in_turn_;
  opening_ = std::move(unopened_.back());
  unopened_.pop_back();
  emit(OpenDirectory{opening_.path});
}

// Nothing was read from the queue yet, so pending_ is empty, and is used to examine all files.
void Follower::begin() {
  if (settings_.filter.ignore_unchanged) {
    directories_.for_each_file(Directories::kRoot, [&](const std::string& path) {
      if (scope_.counts(path)) pending_.emplace(path, Kind::File);
    });
  }
  is_learning_ = true;
  report();
}

void Follower::end_round() {
  if (!unmatched_.empty()) {
    FindLinks find{.names = {unmatched_.begin(), unmatched_.end()}};
    unmatched_.clear();
    return emit(std::move(find));
  }
  if (state_ == State::Crawling && (has_changes_ || !has_begun_)) return report();
  if (has_changes_ && (is_due_ || is_syncing_)) return report();
  finish_round();
}

void Follower::report() {
  Examine examine{.names = {}, .wants_digests = settings_.filter.ignore_unchanged};
  for (const auto& [name, before] : pending_) examine.names.push_back(name);
  if (!examine.names.empty()) return emit(std::move(examine));
  handle(Examined{});
}

void Follower::report_files(std::vector<ChangedFile> files) {
  if (!lost_track_.empty()) files.clear();
  emit(Changed{
      .clock = clock(), .files = std::move(files), .lost_track = std::exchange(lost_track_, {})});
  pending_.clear();
  has_begun_ = true;
  has_changes_ = false;
  has_new_changes_ = false;
  changed_at_.reset();
  is_due_ = false;
  emit(StopTimer{});
}

void Follower::finish_round() {
  for (const int watch : directories_.take_loose_watches()) emit(RemoveWatch{watch});
  is_catching_up_ = false;
  tell_unreadable();
  if (state_ == State::Crawling) {
    state_ = State::Watching;
    emit(Watching{});
  }
  if (is_syncing_ && !is_sync_unread_) {
    is_syncing_ = false;
    emit(Synced{});
  }
  if (is_sync_unread_) return go_on();
  is_in_round_ = false;
  is_due_ = false;
  if (has_new_changes_) schedule_report();
}

void Follower::schedule_report() {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(*changed_at_ + kReportDelayMax - now_);
  emit(StartTimer{std::clamp(left, milliseconds{0}, settings_.settle)});
}

void Follower::tell_unreadable() {
  if (unreadable_.empty()) return;
  const auto& [path, error] = *unreadable_.begin();
  const std::string others =
      unreadable_.size() == 1 ? "" : fmt::format(" and {} more folders", unreadable_.size() - 1);
  emit(
      Say{Say::Level::Warning,
          fmt::format("cannot watch {}{}: {}; hpp does not see changes there. Make it readable, or "
                      "leave it out with --exclude",
                      path, others, error_text(error))});
  for (const auto& [told, why] : std::exchange(unreadable_, {})) unreadable_told_.insert(told);
}

// ---- the end of a watch -------------------------------------------------------------------------

void Follower::turn_off() {
  emit(CloseQueue{});
  emit(StopTimer{});
  Follower next(std::move(settings_));
  next.unreadable_told_ = std::move(unreadable_told_);
  Effects effects = take_effects();
  *this = std::move(next);
  for (Effect& effect : effects) std::visit([this](auto& e) { emit(std::move(e)); }, effect);
}

void Follower::lose(std::string why) {
  turn_off();
  emit(Lost{.why = std::move(why), .clock = {}});
}

// The limit is not tried again, because each attempt would read all directories.
void Follower::lose_for_good(std::string why) {
  turn_off();
  emit(Lost{.why = std::move(why), .clock = {}, .is_final = true});
}

std::string Follower::clock() const {
  return to_text({.token = token_, .position = position_});
}

}  // namespace hpp::watchd::inotify
