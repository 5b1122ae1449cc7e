#include "watchd/core/composition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <unordered_set>
#include <utility>

#include "common/path.h"
#include "watchd/core/fnv.h"
#include "watchd/core/roots.h"

namespace hpp::watchd {
namespace {

// The built-in excludes apply to the path below the root, so the sources apply them (roots.h).
Filter without_built_in(Filter filter) {
  filter.default_excludes = false;
  return filter;
}

// The directory of a part, for the user.
std::string_view name_of(std::string_view prefix) {
  return prefix.substr(0, prefix.find_last_not_of('/') + 1);
}

}  // namespace

Composition::Composition(std::string project, const std::vector<std::string>& prefixes,
                         Filter filter)
    : project_(std::move(project)),
      filter_(std::move(filter)),
      scope_(without_built_in(filter_), {}) {
  assert(!prefixes.empty() && prefixes.front().empty());
  parts_.resize(prefixes.size());
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    parts_[i].prefix = prefixes[i];
    parts_[i].target = path_of_root(project_, prefixes[i]);
  }
}

std::vector<CompositionEffect> Composition::on(const CompositionEvent& event) {
  std::visit([&](const auto& e) { handle(e); }, event);
  return take_effects();
}

bool Composition::is_idle() const {
  return state_ == State::Watching && !is_syncing_ &&
         std::all_of(parts_.begin(), parts_.end(), [](const Part& part) {
           return part.state == PartState::Watching || part.state == PartState::Retired;
         });
}

// ---- orders of Tree -----------------------------------------------------------------------------

void Composition::handle(const Watch& order) {
  assert(state_ == State::Off);
  state_ = State::Starting;
  split(order.since);
  parts_.front().state = PartState::Starting;
  this->order(parts_.front(),
              Watch{.since = parts_.front().clock, .is_replaced = order.is_replaced});
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    if (parts_[i].state == PartState::Retired) continue;
    parts_[i].state = PartState::Looking;
    emit(LookAtPart{i});
  }
}

void Composition::handle(const Unwatch&) {
  if (state_ == State::Off) return;
  order(parts_.front(), Unwatch{});
  turn_off();
}

// In any other state, Lost has been emitted and will reach Tree.
void Composition::handle(const Sync&) {
  if (state_ != State::Watching) return;
  assert(!is_syncing_);
  is_syncing_ = true;
  sync_trouble_.clear();
  is_trouble_final_ = false;
  parts_.front().step = SyncStep::Syncing;
  order(parts_.front(), Sync{});
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    if (parts_[i].state == PartState::Retired) continue;
    parts_[i].step = SyncStep::Looking;
    emit(LookAtPart{i});
  }
}

// ---- events of the shell ------------------------------------------------------------------------

// A part that is not watched may still have reports on the way.
void Composition::handle(const FromPart& event) {
  Part& part = parts_[event.part];
  if (part.state != PartState::Starting && part.state != PartState::Watching) return;
  std::visit([&](const auto& report) { take(part, report); }, event.report);
  go_on();
}

void Composition::handle(const PartSeen& event) {
  Part& part = parts_[event.part];
  if (!part.file.empty() && event.id != part.id) emit(FollowLinks{{part.prefix}});
  switch (part.state) {
    case PartState::Off:
    case PartState::Starting:
    case PartState::Retired:
      break;
    case PartState::Looking:
    case PartState::Down:
    case PartState::Absent:
      event.id.empty() ? miss(part) : start(part, event.id);
      break;
    case PartState::Watching:
      if (event.id == part.id) break;
      order(part, Unwatch{});
      lose(part, "the directory was replaced");
      break;
  }
  if (part.step == SyncStep::Looking) {
    part.step = SyncStep::None;
    if (part.state == PartState::Watching) {
      part.step = SyncStep::Syncing;
      order(part, Sync{});
    } else if (part.state != PartState::Absent) {
      fail_sync(not_watched(part), false);
    }
  }
  go_on();
}

void Composition::handle(const PartStirred& event) {
  if (state_ != State::Off) emit(LookAtPart{event.part});
}

// If a link to a directory was switched, its part stays the same; follow() has emitted LookAtPart.
void Composition::handle(const LinksFollowed& event) {
  std::vector<OutsideLink> left_out;
  for (const OutsideLink& link : links_that_count(event.links, filter_)) {
    const auto part = std::find_if(parts_.begin(), parts_.end(), [&](const Part& one) {
      return one.state != PartState::Retired && name_of(one.prefix) == link.name;
    });
    if (part != parts_.end()) {
      const bool is_same = part->file.empty()
                               ? link.is_folder
                               : !link.is_folder && part->target + '/' + part->file == link.target;
      if (is_same) continue;
      retire(*part);
    }
    may_follow(link) ? add(link) : left_out.push_back(link);
  }
  if (!left_out.empty()) say(Say::Level::Warning, outside_warning(left_out));
  go_on();
}

void Composition::handle(const TimerExpired&) {
  is_timer_on_ = false;
  delay_ = std::min(delay_ * 2, kPartDelayMax);
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    const PartState state = parts_[i].state;
    if (state == PartState::Down || state == PartState::Absent) emit(LookAtPart{i});
  }
}

// ---- reports of the parts -----------------------------------------------------------------------

// After the beginning, a part that starts again was Down, and the reason has been logged.
void Composition::take(Part& part, const Delayed& report) {
  if (has_begun_) return;
  if (is_first(part)) return emit(report);
  emit(Delayed{fmt::format("{}: {}", name_of(part.prefix), report.why)});
}

void Composition::take(Part& part, const LinksListed& report) {
  if (report.names.empty() || !part.file.empty()) return;
  FollowLinks links{report.names};
  for (std::string& name : links.names) name.insert(0, part.prefix);
  emit(std::move(links));
}

void Composition::take(Part& part, const Began& report) {
  begin_part(part, report.clock);
  is_any_new_ = true;
  if (has_begun_) {
    return report_unknown(
        fmt::format("the files in {} were not watched for a while", name_of(part.prefix)));
  }
  std::vector<ChangedFile> files = named(part, report.files);
  new_files_.insert(new_files_.end(), files.begin(), files.end());
}

void Composition::take(Part& part, const Changed& report) {
  if (!part.has_begun) is_any_known_ = true;
  begin_part(part, report.clock);
  if (!report.lost_track.empty()) return report_unknown(report.lost_track);
  follow(part, report.files);
  std::vector<ChangedFile> files = named(part, report.files);
  if (has_begun_) {
    return emit(Changed{.clock = joint_clock(), .files = std::move(files), .lost_track = {}});
  }
  changed_files_.insert(changed_files_.end(), files.begin(), files.end());
}

void Composition::take(Part& part, const Lags& report) {
  part.lags = report;
}

void Composition::take(Part& part, const Watching&) {
  part.state = PartState::Watching;
  delay_ = kPartDelayMin;
  if (!std::exchange(part.trouble, {}).empty()) {
    say(Say::Level::Info, fmt::format("watching {} again", name_of(part.prefix)));
  }
}

void Composition::take(Part& part, const Synced&) {
  part.step = SyncStep::None;
}

void Composition::take(Part& part, const SyncFailed& report) {
  part.step = SyncStep::None;
  fail_sync(report.why, report.is_final);
}

void Composition::take(Part& part, const Lost& report) {
  part.clock = report.clock;
  if (report.is_final) emit(TakeNextSource{static_cast<std::size_t>(&part - parts_.data())});
  if (!is_first(part)) return lose(part, report.why);
  const std::string clock = joint_clock();
  turn_off();
  emit(Lost{.why = report.why, .clock = clock});
}

// ---- steps of a part ----------------------------------------------------------------------------

void Composition::order(const Part& part, Order order) {
  emit(ToPart{.part = static_cast<std::size_t>(&part - parts_.data()), .order = std::move(order)});
}

void Composition::start(Part& part, const std::string& id) {
  const bool is_replaced = !part.id.empty() && part.id != id;
  if (is_replaced) part.clock.clear();
  part.looked = id;
  part.state = PartState::Starting;
  part.has_begun = false;
  part.lags = {};
  order(part, Watch{.since = part.clock, .is_replaced = is_replaced});
}

// The directory is looked for at each Sync, and when the timer expires.
void Composition::miss(Part& part) {
  if (std::exchange(part.state, PartState::Absent) == PartState::Absent) return;
  part.trouble = "it does not exist";
  say(Say::Level::Warning,
      fmt::format("{} is no directory, or does not exist: hpp watches it when it is there",
                  name_of(part.prefix)));
  if (part.clock.empty()) return;
  part.clock.clear();
  report_unknown(fmt::format("{} is gone", name_of(part.prefix)));
}

void Composition::lose(Part& part, const std::string& why) {
  if (part.step == SyncStep::Syncing) {
    part.step = SyncStep::None;
    fail_sync(not_watched(part), false);
  }
  part.state = PartState::Down;
  part.lags = {};
  if (std::exchange(part.trouble, why) == why) return;
  say(Say::Level::Warning, fmt::format("not watching {}: {}", name_of(part.prefix), why));
}

void Composition::retire(Part& part) {
  if (part.state == PartState::Starting || part.state == PartState::Watching) {
    order(part, Unwatch{});
  }
  part.state = PartState::Retired;
  part.step = SyncStep::None;
  part.clock.clear();
  part.lags = {};
  emit(RetirePart{static_cast<std::size_t>(&part - parts_.data())});
}

void Composition::add(const OutsideLink& link) {
  const std::size_t slash = link.target.rfind('/');
  Part& part = parts_.emplace_back();
  part.prefix = link.is_folder ? link.name + '/' : link.name;
  part.target = link.is_folder ? link.target : link.target.substr(0, slash);
  part.file = link.is_folder ? "" : link.target.substr(slash + 1);
  resume(part);
  emit(AddPart{link});
  if (state_ == State::Off) return;
  part.state = PartState::Looking;
  emit(LookAtPart{parts_.size() - 1});
}

// The files of a directory that contains the project folder would be watched twice.
bool Composition::may_follow(const OutsideLink& link) const {
  const auto is_used = [](const Part& part) { return part.state != PartState::Retired; };
  const auto used = std::count_if(parts_.begin(), parts_.end(), is_used);
  if (used >= static_cast<std::ptrdiff_t>(kRootsMax)) return false;
  if (!link.is_folder) return true;
  if (is_at_or_below(project_, link.target)) return false;
  return std::none_of(parts_.begin() + 1, parts_.end(), [&](const Part& part) {
    return is_used(part) && part.file.empty() && link.name.starts_with(part.prefix) &&
           (is_at_or_below(part.target, link.target) || is_at_or_below(link.target, part.target));
  });
}

// Looks at those of the changed files that are symbolic links, or were.
void Composition::follow(const Part& part, const std::vector<ChangedFile>& files) {
  if (!part.file.empty() || files.empty()) return;
  FollowLinks links;
  for (const ChangedFile& file : files) links.names.push_back(part.prefix + file.name);
  const std::unordered_set<std::string_view> names(links.names.begin(), links.names.end());
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    if (names.contains(name_of(parts_[i].prefix))) emit(LookAtPart{i});
  }
  emit(std::move(links));
}

void Composition::turn_off() {
  for (Part& part : parts_) {
    if (part.state == PartState::Retired) continue;
    const bool is_watched = part.state == PartState::Starting || part.state == PartState::Watching;
    if (is_watched && !is_first(part)) order(part, Unwatch{});
    part.state = PartState::Off;
    part.has_begun = false;
    part.step = SyncStep::None;
    part.lags = {};
  }
  state_ = State::Off;
  lags_ = {};
  has_begun_ = is_any_known_ = is_any_new_ = is_syncing_ = false;
  new_files_.clear();
  changed_files_.clear();
  lost_track_.clear();
  delay_ = kPartDelayMin;
  if (std::exchange(is_timer_on_, false)) emit(StopTimer{});
}

void Composition::begin_part(Part& part, const std::string& clock) {
  part.has_begun = true;
  part.clock = clock;
  part.id = part.looked;
}

// ---- reports of the whole -----------------------------------------------------------------------

// Returns the files that count, with the names by which the project reaches them.
std::vector<ChangedFile> Composition::named(const Part& part,
                                            const std::vector<ChangedFile>& files) const {
  if (is_first(part) && filter_.patterns.empty()) return files;
  std::vector<ChangedFile> named;
  for (ChangedFile file : files) {
    if (!part.file.empty() && file.name != part.file) continue;
    file.name = part.file.empty() ? part.prefix + file.name : part.prefix;
    if (scope_.counts(file.name)) named.push_back(std::move(file));
  }
  return named;
}

void Composition::report_unknown(const std::string& why) {
  if (has_begun_) return emit(Changed{.clock = joint_clock(), .files = {}, .lost_track = why});
  is_any_known_ = true;
  lost_track_ = why;
}

// Takes the steps that the newest event has made possible.
void Composition::go_on() {
  if (state_ == State::Off) return;
  const auto is_any = [this](auto condition) {
    return std::any_of(parts_.begin(), parts_.end(), condition);
  };
  const auto is_starting = [](const Part& part) {
    return part.state == PartState::Looking || part.state == PartState::Starting;
  };
  const auto by_lag = [](const Part& one, const Part& other) {
    return one.lags.lag < other.lags.lag;
  };
  const Lags& longest = std::max_element(parts_.begin(), parts_.end(), by_lag)->lags;
  if (lags_.lag != longest.lag) {
    lags_ = longest;
    emit(lags_);
  }
  if (!has_begun_ &&
      !is_any([&](const Part& part) { return is_starting(part) && !part.has_begun; })) {
    begin();
  }
  if (state_ == State::Starting && has_begun_ && !is_any(is_starting)) {
    state_ = State::Watching;
    emit(Watching{});
  }
  if (is_syncing_ && !is_any([](const Part& part) { return part.step != SyncStep::None; })) {
    is_syncing_ = false;
    const auto added = std::find_if(parts_.begin(), parts_.end(), is_starting);
    if (added != parts_.end()) fail_sync(not_watched(*added), false);
    if (sync_trouble_.empty()) return emit(Synced{});
    emit(SyncFailed{.why = sync_trouble_, .is_final = is_trouble_final_});
  }
  const bool is_waiting = is_any([](const Part& part) {
    return part.state == PartState::Down || part.state == PartState::Absent;
  });
  if (is_waiting && !std::exchange(is_timer_on_, true)) emit(StartTimer{delay_});
}

void Composition::begin() {
  has_begun_ = true;
  std::vector<ChangedFile> new_files = std::exchange(new_files_, {});
  std::vector<ChangedFile> changed_files = std::exchange(changed_files_, {});
  if (!is_any_known_) {
    return emit(Began{.clock = joint_clock(), .files = std::move(new_files)});
  }
  if (is_any_new_ && lost_track_.empty()) {
    lost_track_ = "some of the files were not watched for a while";
  }
  if (!lost_track_.empty()) return report_unknown(lost_track_);
  emit(Changed{.clock = joint_clock(), .files = std::move(changed_files), .lost_track = {}});
}

// A final reason takes the place of a reason that may pass.
void Composition::fail_sync(const std::string& why, bool is_final) {
  if (sync_trouble_.empty() || (is_final && !is_trouble_final_)) sync_trouble_ = why;
  is_trouble_final_ = is_trouble_final_ || is_final;
}

std::string Composition::not_watched(const Part& part) {
  return fmt::format("{} is not watched", name_of(part.prefix));
}

void Composition::say(Say::Level level, std::string text) {
  emit(Say{level, std::move(text)});
}

// ---- the clock ----------------------------------------------------------------------------------

// A digest takes the place of the names, because these may contain any bytes, such as newlines.
std::string Composition::digest_of(const Part& part) {
  Fnv digest;
  digest.add(part.prefix);
  digest.add("\n");
  digest.add(part.file);
  return fmt::format("{:016x}", digest.value());
}

void Composition::split(std::string_view clock) {
  for (Part& part : parts_) part.clock.clear();
  since_ = parse_tree_clock(clock);
  parts_.front().clock = since_.first;
  for (Part& part : parts_) resume(part);
}

// Finds the part in the clock of the Watch.
void Composition::resume(Part& part) {
  if (is_first(part)) return;
  for (const auto& [digest, id, clock] : since_.others) {
    if (digest_of(part) != digest) continue;
    part.id = id;
    part.clock = clock;
  }
}

std::string Composition::joint_clock() const {
  TreeClock clock{.first = parts_.front().clock, .others = {}};
  for (const Part& part : parts_) {
    if (is_first(part) || part.clock.empty()) continue;
    clock.others.push_back({digest_of(part), part.id, part.clock});
  }
  return to_string(clock);
}

}  // namespace hpp::watchd
