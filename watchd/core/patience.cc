#include "watchd/core/patience.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace hpp::watchd {

std::string_view to_string(Patience::State state) {
  switch (state) {
    case Patience::State::Off:
      return "Off";
    case Patience::State::First:
      return "First";
    case Patience::State::Both:
      return "Both";
  }
  return "";
}

std::vector<PatienceEffect> Patience::on(const PatienceEvent& event) {
  std::visit([&](const auto& e) { handle(e); }, event);
  return take_effects();
}

// ---- orders of Composition ----------------------------------------------------------------------

void Patience::handle(const Watch& order) {
  assert(state_ == State::Off);
  state_ = State::First;
  first_ = Step::Starting;
  clock_ = first_clock_ = order.since;
  is_replaced_ = order.is_replaced;
  if (!is_timer_on_) start_timer(kPatience);
  emit(ToFirst{order});
}

// The patience timer runs on: the time between two watches counts, too.
void Patience::handle(const Unwatch&) {
  if (state_ != State::Off) end_whole();
}

// In any other state, Lost has been emitted and will reach Tree.
void Patience::handle(const Sync&) {
  if (!is_watching_) return;
  is_syncing_ = true;
  begin_sync();
}

// ---- events of the shell ------------------------------------------------------------------------

// A source that has got Unwatch may still have reports on the way.
void Patience::handle(const FromFirst& event) {
  if (first_ == Step::Off) return;
  std::visit([&](const auto& report) { take_first(report); }, event.report);
}

void Patience::handle(const FromStandby& event) {
  if (standby_ == Step::Off) return;
  std::visit([&](const auto& report) { take_standby(report); }, event.report);
}

void Patience::handle(const TimerExpired&) {
  is_timer_on_ = false;
  switch (state_) {
    case State::Off:
      is_over_ = true;
      return;
    case State::First:
      return use_standby(first_name_ + " does not answer");
    case State::Both:
      first_ = Step::Starting;
      emit(
          ToFirst{Watch{.since = first_clock_, .is_replaced = std::exchange(is_replaced_, false)}});
      return;
  }
}

// ---- reports of the first source ----------------------------------------------------------------

void Patience::take_first(const Began& report) {
  first_clock_ = report.clock;
  if (state_ == State::Both) return;
  clock_ = report.clock;
  has_begun_ = true;
  emit(report);
}

void Patience::take_first(const Changed& report) {
  first_clock_ = report.clock;
  if (state_ == State::First) return this->report(report);
  if (standby_sync_ == StandbySync::Own) kept_.push_back(report);
}

void Patience::take_first(const Watching&) {
  first_ = Step::Watching;
  if (state_ == State::Both) return prepare_return();
  is_over_ = false;
  was_used_ = true;
  is_replaced_ = false;
  stop_timer();
  report_watching();
}

void Patience::take_first(const Synced& report) {
  answer_sync(report);
}

void Patience::take_first(const SyncFailed& report) {
  answer_sync(report);
}

void Patience::take_first(const Lost& report) {
  first_ = Step::Off;
  first_clock_ = report.clock;
  if (state_ == State::Both) {
    if (standby_sync_ == StandbySync::Own) standby_sync_ = StandbySync::Useless;
    start_timer(return_delay_);
    return_delay_ = std::min(return_delay_ * 2, kReturnDelayMax);
    return;
  }
  if (!report.clock.empty() || has_begun_) clock_ = report.clock;
  const bool is_first_watch = !was_used_ && clock_.empty();
  if (is_over_ || is_first_watch) return use_standby(report.why);
  if (!is_timer_on_) start_timer(kPatience);
  end_whole();
  emit(report);
}

void Patience::take_first(const Delayed& report) {
  if (state_ == State::First) emit(report);
}

void Patience::take_first(const LinksListed& report) {
  emit(report);
}

void Patience::take_first(const Lags& report) {
  if (state_ == State::First) emit(report);
}

// ---- reports of the standby ---------------------------------------------------------------------

void Patience::take_standby(const Began& report) {
  if (has_begun_) {
    return this->report({.clock = report.clock,
                         .files = {},
                         .lost_track = "the files were not watched for a while"});
  }
  clock_ = report.clock;
  has_begun_ = true;
  emit(report);
}

void Patience::take_standby(const Changed& report) {
  this->report(report);
}

void Patience::take_standby(const Watching&) {
  standby_ = Step::Watching;
  report_watching();
  if (is_syncing_) return begin_sync();
  prepare_return();
}

void Patience::take_standby(const Synced& report) {
  const StandbySync sync = std::exchange(standby_sync_, StandbySync::None);
  if (sync == StandbySync::Own) return return_to_first(true);
  if (sync == StandbySync::OfWhole) answer_sync(report);
  is_syncing_ ? begin_sync() : prepare_return();
}

void Patience::take_standby(const SyncFailed& report) {
  const StandbySync sync = std::exchange(standby_sync_, StandbySync::None);
  if (sync == StandbySync::Own) return return_to_first(false);
  if (sync == StandbySync::OfWhole) answer_sync(report);
  is_syncing_ ? begin_sync() : prepare_return();
}

void Patience::take_standby(const Lost& report) {
  standby_ = Step::Off;
  standby_sync_ = StandbySync::None;
  clock_ = report.clock;
  if (first_ == Step::Watching) return return_to_first(false);
  is_over_ = true;
  end_whole();
  emit(report);
}

void Patience::take_standby(const Delayed& report) {
  if (!has_begun_) emit(report);
}

void Patience::take_standby(const LinksListed& report) {
  emit(report);
}

void Patience::take_standby(const Lags& report) {
  lags_ = report.lag > std::chrono::milliseconds{0};
  emit(report);
}

// ---- from one source to the other ---------------------------------------------------------------

// A first source that is still starting may go on: it may be reading a large directory.
void Patience::use_standby(const std::string& why) {
  state_ = State::Both;
  is_over_ = true;
  stop_timer();
  emit(Say{Say::Level::Warning,
           fmt::format("{}: {} until {} can be used", why, standby_words_, first_name_)});
  if (first_ == Step::Watching) {
    first_ = Step::Off;
    emit(ToFirst{Unwatch{}});
  }
  if (first_ == Step::Off) start_timer(return_delay_);
  standby_ = Step::Starting;
  emit(ToStandby{Watch{.since = clock_, .is_replaced = is_replaced_}});
}

void Patience::prepare_return() {
  const bool is_ready =
      first_ == Step::Watching && standby_ == Step::Watching && standby_sync_ == StandbySync::None;
  if (!is_ready) return;
  kept_.clear();
  standby_sync_ = StandbySync::Own;
  emit(ToStandby{Sync{}});
}

void Patience::return_to_first(bool vouches) {
  if (std::exchange(standby_, Step::Off) != Step::Off) emit(ToStandby{Unwatch{}});
  state_ = State::First;
  is_over_ = is_replaced_ = false;
  return_delay_ = kReturnDelayMin;
  if (!vouches || lags_) {
    report(
        {.clock = first_clock_,
         .files = {},
         .lost_track = fmt::format("files may have changed before the return to {}", first_name_)});
  } else if (kept_.empty()) {
    report({.clock = first_clock_, .files = {}, .lost_track = {}});
  }
  for (Changed& changed : std::exchange(kept_, {})) report(std::move(changed));
  if (std::exchange(lags_, false)) emit(Lags{});
  emit(Say{Say::Level::Info, std::exchange(was_used_, true)
                                 ? fmt::format("using {} again", first_name_)
                                 : fmt::format("{} can be used now: using it", first_name_)});
  report_watching();
  if (is_syncing_) begin_sync();
}

// ---- the watch of the whole ---------------------------------------------------------------------

// The standby gets one Sync at a time, and none before it watches.
void Patience::begin_sync() {
  if (state_ == State::First) {
    start_timer(kSyncPatience);
    return emit(ToFirst{Sync{}});
  }
  if (standby_ != Step::Watching || standby_sync_ != StandbySync::None) return;
  standby_sync_ = StandbySync::OfWhole;
  emit(ToStandby{Sync{}});
}

void Patience::report(Changed changed) {
  clock_ = changed.clock;
  has_begun_ = true;
  emit(std::move(changed));
}

void Patience::report_watching() {
  if (!std::exchange(is_watching_, true)) emit(Watching{});
}

template <class R>
void Patience::answer_sync(const R& report) {
  if (state_ == State::First) stop_timer();
  is_syncing_ = false;
  emit(report);
}

void Patience::end_whole() {
  if (std::exchange(first_, Step::Off) != Step::Off) emit(ToFirst{Unwatch{}});
  if (std::exchange(standby_, Step::Off) != Step::Off) emit(ToStandby{Unwatch{}});
  if (state_ == State::Both) stop_timer();
  state_ = State::Off;
  standby_sync_ = StandbySync::None;
  has_begun_ = is_watching_ = is_syncing_ = lags_ = false;
  kept_.clear();
}

void Patience::start_timer(std::chrono::milliseconds delay) {
  is_timer_on_ = true;
  emit(StartTimer{delay});
}

void Patience::stop_timer() {
  if (std::exchange(is_timer_on_, false)) emit(StopTimer{});
}

}  // namespace hpp::watchd
