#include "proxyd/upstream.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <utility>

namespace hpp::proxyd {
namespace {

// Idle connections kept; more are closed.
constexpr std::size_t kIdleMax = 1024;
// And for how long: to many a backend a connection is a thread.
constexpr Milliseconds kIdleFor{15'000};
// How long a backend that has said `Connection: close` has to do so, before we do.
constexpr Milliseconds kLeavingFor{100};
// How long a connection may have been idle and still carry a request that cannot be repeated.
// Node and uvicorn close after 5 s; others after 2 s.
constexpr Milliseconds kFreshFor{1000};
// How long one that is not asked about is trusted to be as it was left, by a request that can be
// repeated: asking the kernel costs a twentieth of what a request does.
constexpr Milliseconds kTrustedFor{1};
// How long an attempt to connect may hang before another is made in its place: at first, at most,
// and in all for one address, which is what Linux would try (tcp(7), tcp_syn_retries).
constexpr Milliseconds kPatienceMin{10};
constexpr Milliseconds kPatienceMax{1000};
constexpr Milliseconds kConnectFor{127'000};

}  // namespace

// ---- Upstream -----------------------------------------------------------------------------------

Upstream::Upstream(Loop& loop, ConnectQueue& queue, SplicePipes& pipes,
                   const std::vector<SocketAddress>& addresses, std::size_t& first,
                   UpstreamListener* listener)
    : loop_(loop),
      queue_(queue),
      addresses_(addresses),
      first_(first),
      listener_(listener),
      patience_(kPatienceMin),
      pump_(pipes),
      place_(queue.join(*this)) {}

Upstream::~Upstream() {
  leave_queue();
}

void Upstream::on_turn() {
  gives_up_at_ = std::chrono::steady_clock::now() + kConnectFor;
  try_next();
}

void Upstream::try_next() {
  while (tried_ < addresses_.size()) {
    ConnectAttempt attempt = start_connect(addresses_[(first_ + tried_) % addresses_.size()]);
    if (attempt.error != 0) {
      ++tried_;
      continue;
    }
    connecting_ = std::move(attempt.fd);
    connected_ = std::make_unique<FdWatch>(loop_, connecting_.get(), FdWatch::For::Writing,
                                           [this] { attempt_ended(); });
    connected_->start();
    impatience_ = std::make_unique<Timer>(loop_, [this] { attempt_hangs(); });
    impatience_->start(patience_);
    return;
  }
  give_up();
}

void Upstream::end_attempt() {
  // Both may be due in this turn.
  connected_->stop();
  impatience_->stop();
  loop_.bury(std::move(connected_));
  loop_.bury(std::move(impatience_));
}

void Upstream::attempt_ended() {
  end_attempt();
  if (connect_error(connecting_.get()) != 0) {
    connecting_.reset();
    ++tried_;
    return try_next();
  }
  leave_queue();
  first_ = (first_ + tried_) % addresses_.size();
  stream_ =
      std::make_unique<Stream>(loop_, std::move(connecting_), static_cast<StreamListener&>(*this));
  if (listener_ != nullptr) listener_->on_upstream_opened();
}

// The same again: the backend's accept queue may have been full.
void Upstream::attempt_hangs() {
  end_attempt();
  connecting_.reset();
  patience_ = std::min(2 * patience_, kPatienceMax);
  if (std::chrono::steady_clock::now() > gives_up_at_) ++tried_;
  try_next();
}

void Upstream::give_up() {
  // Possibly still in the constructor: the news comes from the loop.
  loop_.later([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    leave_queue();
    on_broken(ECONNREFUSED);
  });
}

void Upstream::retire() {
  listener_ = nullptr;
  if (connected_) end_attempt();
  leave_queue();
}

void Upstream::leave_queue() {
  if (place_ != 0) queue_.leave(std::exchange(place_, 0));
}

void Upstream::on_input() {
  if (listener_ != nullptr) listener_->on_upstream_input();
}

void Upstream::on_output_progress() {
  if (listener_ != nullptr) listener_->on_upstream_progress();
}

void Upstream::on_broken(int) {
  if (listener_ != nullptr) listener_->on_upstream_broken();
}

void Upstream::on_input_ended() {
  if (listener_ != nullptr) listener_->on_upstream_ended();
}

bool Upstream::has_ended_by_now() const {
  return stream_ ? stream_->has_ended_by_now()
                 : connecting_.is_open() && look_at_unread(connecting_.get()) == Unread::End;
}

void Upstream::reset_on_close() {
  if (stream_) stream_->reset_on_close();
  if (connecting_.is_open()) hpp::reset_on_close(connecting_.get());
}

// ---- Pool ---------------------------------------------------------------------------------------

// Whatever happens on a connection without a request, it is of no use any more.
struct Pool::Parked final : UpstreamListener {
  Parked(Pool& owner, Lot& place, std::unique_ptr<Upstream> connection)
      : pool(owner),
        lot(place),
        upstream(std::move(connection)),
        since(std::chrono::steady_clock::now()) {
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
  TimePoint since;
};

Pool::Lot::Lot(Pool& pool, Milliseconds time_max)
    : longest(time_max), expiry(pool.loop_, [this, &pool] { pool.expire(*this); }) {}

Pool::Pool(Loop& loop, SplicePipes& pipes, std::vector<SocketAddress> addresses)
    : loop_(loop),
      pipes_(pipes),
      queue_(loop),
      addresses_(std::move(addresses)),
      idle_(*this, kIdleFor),
      leaving_(*this, kLeavingFor) {
  assert(!addresses_.empty());
}

Pool::~Pool() = default;

std::unique_ptr<Upstream> Pool::take(bool fresh, UpstreamListener* listener) {
  while (!idle_.all.empty()) {
    const auto idle_for = std::chrono::steady_clock::now() - idle_.all.back()->since;
    if (fresh && idle_for >= kFreshFor) break;
    std::unique_ptr<Upstream> upstream = std::move(idle_.all.back()->upstream);
    idle_.all.pop_back();
    // The kernel may have what we have not been told of yet: its end, or what would pass for the
    // answer to this request (RFC 9112 §9.2).
    if ((fresh || idle_for >= kTrustedFor) && !upstream->stream().is_quiet_by_now()) {
      drop(std::move(upstream));
      continue;
    }
    upstream->set_listener(listener);
    return upstream;
  }
  return std::make_unique<Upstream>(loop_, queue_, pipes_, addresses_, first_, listener);
}

void Pool::put_back(std::unique_ptr<Upstream> upstream, bool keeps_alive) {
  Lot& lot = keeps_alive ? idle_ : leaving_;
  Stream& stream = upstream->stream();
  const bool usable = !stream.end_in_sight() && !stream.input_ended() && !stream.is_broken() &&
                      stream.input().empty() && stream.output_done();
  if (!usable || lot.all.size() >= kIdleMax) return drop(std::move(upstream));
  stream.read_while(true);
  stream.input().release();
  stream.output().release();
  upstream->set_used();
  lot.all.push_back(std::make_unique<Parked>(*this, lot, std::move(upstream)));
  if (!lot.expiry.is_active()) lot.expiry.start(lot.longest);
}

void Pool::expire(Lot& lot) {
  const auto old = std::chrono::steady_clock::now() - lot.longest;
  const auto kept = std::find_if(lot.all.begin(), lot.all.end(),
                                 [&](const auto& entry) { return entry->since > old; });
  for (auto entry = lot.all.begin(); entry != kept; ++entry) drop(std::move((*entry)->upstream));
  lot.all.erase(lot.all.begin(), kept);
  if (!lot.all.empty()) {
    lot.expiry.start(
        std::chrono::duration_cast<std::chrono::microseconds>(lot.all[0]->since - old));
  }
}

void Pool::drop(std::unique_ptr<Upstream> upstream, bool in_order) {
  if (upstream->is_open()) upstream->pump().abandon(upstream->stream());
  // Where the backend has closed first, our FIN would leave it a TIME_WAIT.
  const bool is_reset = !backend_runs_ || (!in_order && upstream->has_ended_by_now());
  if (is_reset) upstream->reset_on_close();
  upstream->retire();
  loop_.bury(std::move(upstream));
}

void Pool::backend_runs(bool runs) {
  backend_runs_ = runs;
  if (runs) return;
  for (Lot* const lot : {&idle_, &leaving_}) {
    for (auto& parked : std::exchange(lot->all, {})) drop(std::move(parked->upstream));
  }
}

void Pool::forget(Parked* parked) {
  auto& all = parked->lot.all;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& entry) { return entry.get() == parked; });
  assert(found != all.end());
  drop(std::move((*found)->upstream));
  loop_.bury(std::move(*found));  // we are in its callback
  all.erase(found);
}

}  // namespace hpp::proxyd
