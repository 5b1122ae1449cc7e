#include "tests/sim/idle_reports.h"

#include <utility>

#include "proxyd/core/idle_look.h"

namespace hpp::sim {

// ---- watchd -------------------------------------------------------------------------------------

// proxyd notices the end a moment later, if it does not look at the connection before.
void IdleReports::end_watchd() {
  is_served_ = false;
  offer_.reset();
  if (connection_ != Connection::Open) return;
  connection_ = Connection::Ended;
  world_.after(a_moment(world_), [this, incarnation = incarnation_] {
    if (incarnation == incarnation_) end_proxyd();
  });
}

void IdleReports::begin_work() {
  if (offer_ && world_.broken != Break::Idle) offer_->page = 0;
}

void IdleReports::withdraw() {
  begin_work();
  offer_.reset();
}

void IdleReports::report(const bus::IdlePoint& point, const std::shared_ptr<KernelQueue>& queue) {
  if (!offer_) {
    offer_ = std::make_shared<Offer>(Offer{.queue = queue, .epoch = point.epoch});
    if (connection_ == Connection::Open) send();
  }
  offer_->page = point.sequence;
}

void IdleReports::send() {
  ++unread_;
  world_.after(a_moment(world_), [this, offer = offer_, incarnation = incarnation_] {
    if (incarnation != incarnation_) return;
    --unread_;
    held_ = offer;
  });
}

// ---- proxyd -------------------------------------------------------------------------------------

void IdleReports::connect() {
  if (connection_ != Connection::None || !is_served_) return;
  connection_ = Connection::Open;
  if (offer_) send();
}

std::optional<bus::IdlePoint> IdleReports::look() const {
  struct Senses {
    std::uint64_t page() const { return reports.held_->page; }

    bool queues_are_empty() const { return reports.held_->queue->events.empty(); }

    bool is_in_place() const { return true; }

    bool watchd_is_the_same() const {
      return reports.connection_ == Connection::Open && reports.unread_ == 0;
    }

    const IdleReports& reports;
  };

  if (!held_) return std::nullopt;
  const std::uint64_t sequence = proxyd::idle_sequence(Senses{*this});
  if (sequence == 0) return std::nullopt;
  return bus::IdlePoint{.epoch = held_->epoch, .sequence = sequence};
}

void IdleReports::end_proxyd() {
  ++incarnation_;
  connection_ = Connection::None;
  held_.reset();
  unread_ = 0;
}

}  // namespace hpp::sim
