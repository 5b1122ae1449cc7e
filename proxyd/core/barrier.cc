#include "proxyd/core/barrier.h"

#include <algorithm>
#include <utility>

namespace hpp::proxyd {

std::uint64_t Barrier::take(TimePoint now, const std::optional<bus::IdlePoint>& idle) {
  if (!settings_.is_on || (idle && knows(*idle))) return 0;
  if (!has_waiting() && watch_ != Watch::Lost) begin_wait(now);
  wanted_ = asked_ + 1;
  return wanted_;
}

bool Barrier::knows(const bus::IdlePoint& idle) const {
  if (!tree_ || !tree_->watching || tree_->settling || tree_->lag_ms > 0) return false;
  return tree_->stamp.epoch == idle.epoch && tree_->stamp.sequence == idle.sequence;
}

void Barrier::on(const bus::TreeState& tree, TimePoint now) {
  tree_ = tree;
  is_settling_ = tree.settling;
  note_watch(tree, now);
  const bool is_news = tree.answers.epoch == settings_.epoch && tree.answers.number > answered_;
  if (!is_news) return;
  answered_ = tree.answers.number;
  begin_wait(now);
  has_lapsed_ = false;
}

std::optional<bus::TreePoint> Barrier::needs(std::uint64_t ticket) const {
  if (tree_ && is_answered(ticket)) return tree_->point();
  if (is_strict()) return std::nullopt;
  return tree_ && tree_->watching ? tree_->point() : bus::TreePoint{};
}

// A new watch has already counted the changes that were missed. Missing answers before it do not
// mean that later answers will be missing, too, so the wait begins again.
void Barrier::note_watch(const bus::TreeState& tree, TimePoint now) {
  const Watch before = watch_;
  if (tree.watching) {
    watch_ = Watch::Works;
    if (before == Watch::Works || before == Watch::Expected) return;
    has_lapsed_ = false;
    begin_wait(now);
  } else if (before == Watch::Works || (before == Watch::Expected && !tree.directory_id.empty())) {
    watch_ = Watch::Lost;
    begin_wait(now);
  } else if (before == Watch::Expected) {
    watch_ = Watch::NeverWas;
  }
}

void Barrier::begin_wait(TimePoint now) {
  waiting_since_ = now;
  is_prolonged_ = false;
}

std::optional<bus::Ticket> Barrier::next(TimePoint now) {
  discount_stall(now);
  if (wake_at() && now >= lapses_at()) has_lapsed_ = true;
  if (!has_waiting() || now < due_at()) return std::nullopt;
  asked_at_ = now;
  return bus::Ticket{.epoch = settings_.epoch, .number = ++asked_};
}

void Barrier::discount_stall(TimePoint now) {
  const auto meant_for = wake_at();
  if (!meant_for || now < *meant_for + kStalledAfter) return;
  waiting_since_ = std::min(now, waiting_since_ + (now - *meant_for));
  if (now < lapses_at() || std::exchange(is_prolonged_, true)) return;
  waiting_since_ += kNewsAfterStall;
}

// After a lapse there is no deadline, because the next request publishes a ticket.
std::optional<TimePoint> Barrier::wake_at() const {
  if (!settings_.is_on || has_lapsed_) return std::nullopt;
  if (watch_ == Watch::Lost) return lapses_at();
  if (!has_waiting()) return std::nullopt;
  return std::min(due_at(), lapses_at());
}

// Returns when to publish the next ticket: at once if no ticket is in flight, because the wait has
// just begun.
TimePoint Barrier::due_at() const {
  const bool is_under_way = asked_ > answered_;
  return is_under_way ? asked_at_ + kAskAgainAfter : waiting_since_;
}

TimePoint Barrier::lapses_at() const {
  const auto more = is_settling_ ? kSettlingMax : std::chrono::milliseconds{0};
  return waiting_since_ + settings_.timeout + more;
}

}  // namespace hpp::proxyd
