#include "watchd/poll/core/poller.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/tree_clock.h"

namespace hpp::watchd::poll {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kSecondNs = 1'000'000'000;

const Mark& mark_of(const Listing& listing, const std::string& name) {
  const auto at = std::lower_bound(listing.begin(), listing.end(), name,
                                   [](const ListedFile& file, const std::string& wanted) {
                                     return precedes(file.name, wanted);
                                   });
  assert(at != listing.end() && at->name == name);
  return at->mark;
}

milliseconds tick_of(const Mark& mark) {
  const bool is_coarse = mark.modified_ns % kSecondNs == 0 && mark.changed_ns % kSecondNs == 0;
  return is_coarse ? kCoarseTick : kFineTick;
}

// Whether the file may be saved again without a change of its mark. A time in the future is that of
// a server whose clock is ahead.
bool may_be_young(const Mark& mark, std::int64_t now_ns) {
  const std::int64_t tick_ns = std::chrono::nanoseconds{kCoarseTick}.count();
  return std::max(mark.modified_ns, mark.changed_ns) > now_ns - tick_ns;
}

}  // namespace

std::string_view to_string(Poller::State state) {
  switch (state) {
    case Poller::State::Off:
      return "Off";
    case Poller::State::Scanning:
      return "Scanning";
    case Poller::State::Reading:
      return "Reading";
    case Poller::State::Waiting:
      return "Waiting";
  }
  return "";
}

Effects Poller::on(const Event& event, TimePoint now) {
  std::visit([&](const auto& e) { handle(e, now); }, event);
  return take_effects();
}

// ---- orders of Tree -----------------------------------------------------------------------------

// If the watch is lost for a moment only, the poller still has the listing that belongs to the
// clock, and can name the changes.
void Poller::handle(const Watch& order, TimePoint now) {
  assert(state_ == State::Off);
  since_ = order.since;
  has_begun_ = false;
  latest_.reset();
  changed_since_.reset();
  pace_ = Pace(settings_.interval);
  if (since_.empty() || since_ != clock_) {
    known_.reset();
    young_.clear();
  }
  scan(now);
}

void Poller::handle(const Unwatch&, TimePoint) {
  if (state_ == State::Off) return;
  if (state_ == State::Waiting) {
    emit(StopTimer{});
  } else {
    emit(Abandon{});
  }
  state_ = State::Off;
  is_syncing_ = false;
}

// In Off, Lost has been emitted and will reach Tree.
void Poller::handle(const Sync&, TimePoint now) {
  if (state_ == State::Off) return;
  if (pace_.lag() > milliseconds{0}) return emit(Synced{});
  if (state_ == State::Waiting) emit(StopTimer{});
  is_syncing_ = true;
  scan(now);
}

// ---- events of the shell ------------------------------------------------------------------------

void Poller::handle(const Scanned& event, TimePoint now) {
  if (state_ != State::Scanning) return;
  note_pace(event);
  if (!known_) list_links(*event.files);
  const auto previous = std::exchange(latest_, event.files);
  changes_ = known_ ? changes_between(*known_, *latest_) : std::vector<ChangedFile>{};
  if (changes_.empty()) changed_since_.reset();
  const bool is_quiet = changes_.empty() || (previous && *previous == *latest_);
  if (!is_quiet && must_settle(now)) return wait(settings_.settle);
  read_contents(event.began_ns);
  if (reading_.empty()) return report({}, now);
  state_ = State::Reading;
  emit(ReadContents{reading_});
}

void Poller::handle(const ScanFailed& event, TimePoint) {
  if (state_ != State::Scanning) return;
  state_ = State::Off;
  is_syncing_ = false;
  emit(Lost{.why = event.why, .clock = known_ ? clock_ : since_});
}

void Poller::handle(const ContentsRead& event, TimePoint now) {
  if (state_ == State::Reading) report(event.digests, now);
}

void Poller::handle(const TimerExpired&, TimePoint now) {
  if (state_ == State::Waiting) scan(now);
}

// ---- steps --------------------------------------------------------------------------------------

void Poller::scan(TimePoint now) {
  state_ = State::Scanning;
  scan_began_ = now;
  emit(StartScan{});
}

void Poller::list_links(const Listing& files) {
  LinksListed links;
  for (const auto& [name, mark] : files) {
    if (mark.is_link()) links.names.push_back(name);
  }
  if (!links.names.empty()) emit(std::move(links));
}

void Poller::note_pace(const Scanned& event) {
  const milliseconds before = pace_.lag();
  pace_.note(event.took);
  if (pace_.lag() == before) return;
  emit(Lags{.lag = pace_.lag(),
            .why = fmt::format("a look at {} files takes {} ms", event.files->size(),
                               event.took.count())});
}

// A program that saves many files is interrupted by as few restarts as possible.
bool Poller::must_settle(TimePoint now) {
  if (!changed_since_) changed_since_ = now;
  return has_begun_ && !is_syncing_ && settings_.settle > milliseconds{0} &&
         pace_.lag() == milliseconds{0} && now - *changed_since_ < kReportDelayMax;
}

void Poller::read_contents(std::int64_t began_ns) {
  reading_.clear();
  if (!known_) {
    const bool wants_all = settings_.wants_digests && since_.empty();
    for (const auto& [name, mark] : *latest_) {
      if (wants_all || may_be_young(mark, began_ns)) reading_.push_back(name);
    }
    return;
  }
  for (const ChangedFile& file : changes_) {
    young_.erase(file.name);
    if (file.exists) reading_.push_back(file.name);
  }
  for (const auto& [name, young] : young_) reading_.push_back(name);
}

void Poller::report(const std::vector<Digest>& digests, TimePoint now) {
  assert(digests.size() == reading_.size());
  std::vector<ChangedFile> files = std::exchange(changes_, {});
  std::size_t at = 0;
  for (ChangedFile& file : files) {
    if (file.exists && settings_.wants_digests) file.digest = digests[at];
    if (file.exists) ++at;
  }
  if (!known_ || !files.empty()) {
    clock_ = fmt::format("{}{:016x}", kPollClock, fingerprint(*latest_));
  }
  if (known_) {
    for (; at < reading_.size(); ++at) {
      if (young_[reading_[at]].digest == digests[at]) continue;
      files.push_back({.name = reading_[at]});
      if (settings_.wants_digests) files.back().digest = digests[at];
    }
  } else if (settings_.wants_digests && since_.empty()) {
    for (std::size_t i = 0; i < reading_.size(); ++i) {
      files.push_back({.name = reading_[i], .digest = digests[i]});
    }
  }
  note_young(digests, now);
  const bool is_history_known = std::exchange(known_, std::exchange(latest_, {})) != nullptr;
  changed_since_.reset();
  if (!has_begun_) {
    report_first(std::move(files), is_history_known);
  } else if (!files.empty()) {
    emit(Changed{.clock = clock_, .files = std::move(files), .lost_track = {}});
  }
  if (std::exchange(is_syncing_, false)) emit(Synced{});
  wait(pace_.pause());
}

// A clock of another source, or of a watchd that polled, tells nothing about single files.
void Poller::report_first(std::vector<ChangedFile> files, bool is_history_known) {
  has_begun_ = true;
  if (is_history_known || since_ == clock_) {
    emit(Changed{.clock = clock_, .files = std::move(files), .lost_track = {}});
  } else if (since_.empty()) {
    emit(Began{.clock = clock_, .files = std::move(files)});
  } else {
    emit(Changed{.clock = clock_,
                 .files = {},
                 .lost_track = since_.starts_with(kPollClock)
                                   ? "files changed while they were not watched"
                                   : "the files were not watched for a while"});
  }
  emit(Watching{});
}

// A file whose digest has changed is young again, because the tick may be the same.
void Poller::note_young(const std::vector<Digest>& digests, TimePoint now) {
  for (std::size_t i = 0; i < reading_.size(); ++i) {
    const std::string& name = reading_[i];
    const auto known = young_.find(name);
    if (known != young_.end() && known->second.digest == digests[i]) {
      if (scan_began_ >= known->second.until) young_.erase(known);
      continue;
    }
    young_[name] = {.digest = digests[i], .until = now + tick_of(mark_of(*latest_, name))};
  }
}

void Poller::wait(milliseconds pause) {
  state_ = State::Waiting;
  emit(StartTimer{pause});
}

}  // namespace hpp::watchd::poll
