#include "proxyd/core/barrier.h"

#include <algorithm>

namespace hpp::proxyd {

std::uint64_t Barrier::take(TimePoint now) {
  if (!settings_.is_on) return 0;
  if (!has_waiting() && watch_ != Watch::Lost) waiting_since_ = now;
  wanted_ = asked_ + 1;
  return wanted_;
}

void Barrier::on(const bus::TreeState& tree, TimePoint now) {
  is_settling_ = tree.settling;
  note_watch(tree, now);
  const bool is_news = tree.answers.epoch == settings_.epoch && tree.answers.number > answered_;
  if (!is_news) return;
  answered_ = tree.answers.number;
  waiting_since_ = now;
  has_lapsed_ = false;
}

// A watch that is back has caught up with what was saved meanwhile: a silence before it says
// nothing about the answers to come.
void Barrier::note_watch(const bus::TreeState& tree, TimePoint now) {
  const Watch before = watch_;
  if (tree.watching) {
    watch_ = Watch::Works;
    if (before == Watch::Works || before == Watch::Expected) return;
    has_lapsed_ = false;
    waiting_since_ = now;
  } else if (before == Watch::Works || (before == Watch::Expected && !tree.clock.empty())) {
    watch_ = Watch::Lost;
    waiting_since_ = now;
  } else if (before == Watch::Expected) {
    watch_ = Watch::NeverWas;
  }
}

std::optional<bus::Ticket> Barrier::next(TimePoint now) {
  const bool is_under_way = asked_ > answered_;
  const TimePoint due_at = asked_at_ + kAskAgainAfter;
  if (has_waiting() && is_under_way && now >= due_at + kStalledAfter) {
    waiting_since_ = std::min(now, waiting_since_ + (now - due_at));
  }
  if (wake_at() && now >= lapses_at()) has_lapsed_ = true;
  if (!has_waiting()) return std::nullopt;
  if (is_under_way && now < due_at) return std::nullopt;
  asked_at_ = now;
  return bus::Ticket{.epoch = settings_.epoch, .number = ++asked_};
}

// After a lapse nothing has to be done in time: the next request publishes a ticket.
std::optional<TimePoint> Barrier::wake_at() const {
  if (!settings_.is_on || has_lapsed_) return std::nullopt;
  if (watch_ == Watch::Lost) return lapses_at();
  if (!has_waiting()) return std::nullopt;
  return std::min(asked_at_ + kAskAgainAfter, lapses_at());
}

TimePoint Barrier::lapses_at() const {
  const auto more = is_settling_ ? kSettlingMax : std::chrono::milliseconds{0};
  return waiting_since_ + settings_.timeout + more;
}

}  // namespace hpp::proxyd
