#include "proxyd/pool.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "proxyd/core/reuse.h"

namespace hpp::proxyd {
namespace {

// The largest number of idle connections; further ones are closed.
constexpr std::size_t kIdleMax = 1024;
// How long an idle connection is kept. Many backends use a thread for each connection.
constexpr Milliseconds kIdleFor{15'000};
// How long after `Connection: close` the backend may take to close the connection before hpp does.
constexpr Milliseconds kLeavingFor{100};

}  // namespace

// A connection without a request. On any event it is dropped, because it cannot carry a request any
// more.
struct Pool::Parked final : UpstreamListener {
  Parked(Pool& owner, Lot& place, std::unique_ptr<Upstream> connection)
      : pool(owner),
        lot(place),
        upstream(std::move(connection)),
        idle{.since = std::chrono::steady_clock::now()} {
    upstream->set_listener(this);
  }

  void on_upstream_opened() override {}

  void on_upstream_input() override { pool.forget(this); }

  void on_upstream_ended() override { pool.forget(this); }

  void on_upstream_progress() override {}

  void on_upstream_broken() override { pool.forget(this); }

  Pool& pool;
  Lot& lot;
  std::unique_ptr<Upstream> upstream;
  IdleState idle;
};

Pool::Lot::Lot(Pool& pool, Milliseconds time_max)
    : longest(time_max), expiry(pool.loop_, [this, &pool] { pool.expire(*this); }) {}

Pool::Pool(Loop& loop, SplicePipes& pipes, std::vector<SocketAddress> addresses)
    : loop_(loop),
      pipes_(pipes),
      queue_(loop),
      addresses_(std::move(addresses)),
      idle_(*this, kIdleFor),
      leaving_(*this, kLeavingFor),
      ended_(*this, kEndedFor),
      half_closed_(*this, kHalfClosedFor) {}

Pool::~Pool() = default;

std::unique_ptr<Upstream> Pool::take(bool fresh, UpstreamListener* listener) {
  // The kernel may have received something that the loop has not reported yet: the end of the
  // connection, or bytes that would be taken for the answer to this request (RFC 9112 §9.2).
  const auto is_quiet = [](const std::unique_ptr<Parked>& parked) {
    return parked->upstream->stream().is_quiet_by_now();
  };
  const auto close_unfit = [this](std::unique_ptr<Parked> parked) {
    drop(std::move(parked->upstream));
  };
  const auto parked =
      take_idle(idle_.all, fresh, std::chrono::steady_clock::now(), is_quiet, close_unfit);
  if (parked) {
    (*parked)->upstream->set_listener(listener);
    return std::move((*parked)->upstream);
  }
  return std::make_unique<Upstream>(loop_, queue_, pipes_, addresses_, listener);
}

void Pool::put_back(std::unique_ptr<Upstream> upstream, const ReleaseUpstream& how) {
  Lot& lot = how.keeps_alive ? idle_ : leaving_;
  Stream& stream = upstream->stream();
  const bool is_usable = is_clean({.has_ended = stream.end_in_sight() || stream.input_ended(),
                                   .is_broken = stream.is_broken(),
                                   .has_input = !stream.input().empty(),
                                   .has_output = !stream.output_done()}) &&
                         addresses_.is_in_use(upstream->peer());
  if (!is_usable || lot.all.size() >= kIdleMax) return drop(std::move(upstream));
  stream.read_while(true);
  stream.input().release();
  stream.output().release();
  upstream->set_used();
  lot.add(*this, std::move(upstream)).idle.body_may_follow = how.body_may_follow;
}

Pool::Parked& Pool::Lot::add(Pool& pool, std::unique_ptr<Upstream> upstream) {
  all.push_back(std::make_unique<Parked>(pool, *this, std::move(upstream)));
  if (!expiry.is_active()) expiry.start(longest);
  return *all.back();
}

void Pool::expire(Lot& lot) {
  const auto old = std::chrono::steady_clock::now() - lot.longest;
  const auto kept = std::find_if(lot.all.begin(), lot.all.end(),
                                 [&](const auto& entry) { return entry->idle.since > old; });
  for (auto entry = lot.all.begin(); entry != kept; ++entry) {
    auto& upstream = (*entry)->upstream;
    const bool has_room = half_closed_.all.size() < kIdleMax;
    if (&lot == &ended_ && has_room && !upstream->is_abandoned(peers_)) {
      half_closed_.add(*this, std::move(upstream)).upstream->set_listener(nullptr);
    } else if (&lot == &ended_ || &lot == &half_closed_) {
      close(std::move(upstream));
    } else {
      drop(std::move(upstream));
    }
  }
  lot.all.erase(lot.all.begin(), kept);
  if (!lot.all.empty()) {
    lot.expiry.start(
        std::chrono::duration_cast<std::chrono::microseconds>(lot.all[0]->idle.since - old));
  }
}

void Pool::drop(std::unique_ptr<Upstream> upstream) {
  if (upstream->is_open()) upstream->pump().abandon(upstream->stream());
  const bool may_be_abandoned_soon = backend_runs_ && upstream->is_open() &&
                                     upstream->has_ended_by_now() &&
                                     !upstream->is_abandoned(peers_);
  if (!may_be_abandoned_soon || ended_.all.size() >= kIdleMax) return close(std::move(upstream));
  ended_.add(*this, std::move(upstream)).upstream->set_listener(nullptr);
}

// If the backend has closed first, our FIN leaves a TIME_WAIT at its end; a reset does not. But if
// a process has only ended its direction (shutdown(2)), the reset would be an error for it, and a
// Node server that does not handle this error exits.
void Pool::close(std::unique_ptr<Upstream> upstream) {
  const bool is_reset =
      !backend_runs_ || (upstream->has_ended_by_now() && upstream->is_abandoned(peers_));
  if (is_reset) upstream->reset_on_close();
  upstream->retire();
  loop_.bury(std::move(upstream));
}

void Pool::backend_runs(bool runs) {
  backend_runs_ = runs;
  if (!runs) drop_idle();
}

void Pool::backend_answers_at(std::string_view address) {
  if (addresses_.restrict_to(address) && addresses_.is_restricted()) drop_idle();
}

void Pool::drop_idle() {
  for (Lot* const lot : {&idle_, &leaving_, &ended_, &half_closed_}) {
    for (auto& parked : std::exchange(lot->all, {})) close(std::move(parked->upstream));
  }
}

void Pool::forget(Parked* parked) {
  auto& all = parked->lot.all;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& entry) { return entry.get() == parked; });
  assert(found != all.end());
  drop(std::move((*found)->upstream));
  loop_.bury(std::move(*found));  // this is called from its callback
  all.erase(found);
}

}  // namespace hpp::proxyd
