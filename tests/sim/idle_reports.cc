#include "tests/sim/rest.h"

#include <utility>

#include "proxyd/core/rest_look.h"

namespace hpp::sim {

// ---- watchd -------------------------------------------------------------------------------------

// proxyd notices the end a moment later, if it does not look at the connection before.
void Rest::end_watchd() {
  is_served_ = false;
  offer_.reset();
  if (connection_ != Connection::Open) return;
  connection_ = Connection::Ended;
  world_.after(a_moment(world_), [this, incarnation = incarnation_] {
    if (incarnation == incarnation_) end_proxyd();
  });
}

void Rest::begin_work() {
  if (offer_ && world_.broken != Break::Rest) offer_->page = 0;
}

void Rest::withdraw() {
  begin_work();
  offer_.reset();
}

void Rest::rest(const bus::RestPoint& point, const std::shared_ptr<KernelQueue>& queue) {
  if (!offer_) {
    offer_ = std::make_shared<Offer>(Offer{.queue = queue, .epoch = point.epoch});
    if (connection_ == Connection::Open) send();
  }
  offer_->page = point.sequence;
}

void Rest::send() {
  ++unread_;
  world_.after(a_moment(world_), [this, offer = offer_, incarnation = incarnation_] {
    if (incarnation != incarnation_) return;
    --unread_;
    held_ = offer;
  });
}

// ---- proxyd -------------------------------------------------------------------------------------

void Rest::connect() {
  if (connection_ != Connection::None || !is_served_) return;
  connection_ = Connection::Open;
  if (offer_) send();
}

std::optional<bus::RestPoint> Rest::look() const {
  struct Senses {
    std::uint64_t page() const { return rest.held_->page; }

    bool queues_are_empty() const { return rest.held_->queue->events.empty(); }

    bool is_in_place() const { return true; }

    bool watchd_is_the_same() const {
      return rest.connection_ == Connection::Open && rest.unread_ == 0;
    }

    const Rest& rest;
  };

  if (!held_) return std::nullopt;
  const std::uint64_t sequence = proxyd::sequence_at_rest(Senses{*this});
  if (sequence == 0) return std::nullopt;
  return bus::RestPoint{.epoch = held_->epoch, .sequence = sequence};
}

void Rest::end_proxyd() {
  ++incarnation_;
  connection_ = Connection::None;
  held_.reset();
  unread_ = 0;
}

}  // namespace hpp::sim
