#include "proxyd/core/barrier.h"

#include <algorithm>

namespace hpp::proxyd {

std::uint64_t Barrier::take(TimePoint now) {
  if (!settings_.is_on) return 0;
  if (!has_waiting()) waiting_since_ = now;
  wanted_ = asked_ + 1;
  return wanted_;
}

void Barrier::on(const bus::TreeState& tree, TimePoint now) {
  is_settling_ = tree.settling;
  if (!is_watching_ && tree.watching) waiting_since_ = now;
  is_watching_ = tree.watching;
  const bool is_news = tree.answers.epoch == settings_.epoch && tree.answers.number > answered_;
  if (!is_news) return;
  answered_ = tree.answers.number;
  waiting_since_ = now;
  has_lapsed_ = false;
}

std::optional<bus::Ticket> Barrier::next(TimePoint now) {
  if (!has_waiting()) return std::nullopt;
  if (now >= lapses_at()) has_lapsed_ = true;
  const bool is_under_way = asked_ > answered_;
  if (is_under_way && now < asked_at_ + kAskAgainAfter) return std::nullopt;
  asked_at_ = now;
  return bus::Ticket{.epoch = settings_.epoch, .number = ++asked_};
}

// Nobody waits for what has lapsed: the next request will ask.
std::optional<TimePoint> Barrier::wake_at() const {
  if (!has_waiting() || has_lapsed_) return std::nullopt;
  return std::min(asked_at_ + kAskAgainAfter, lapses_at());
}

TimePoint Barrier::lapses_at() const {
  const auto more = is_settling_ ? kSettlingMax : std::chrono::milliseconds{0};
  return waiting_since_ + settings_.timeout + more;
}

}  // namespace hpp::proxyd
