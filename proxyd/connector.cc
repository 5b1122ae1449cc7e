#include "proxyd/connector.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace hpp::proxyd {
namespace {

// An attempt to connect that hangs is replaced by another one: the first after kPatienceMin, later
// ones after up to kPatienceMax. An address is given up after kConnectFor, the time for which Linux
// would try it (tcp(7), tcp_syn_retries).
constexpr Milliseconds kPatienceMin{10};
constexpr Milliseconds kPatienceMax{1000};
constexpr Milliseconds kConnectFor{127'000};

}  // namespace

Connector::Connector(Loop& loop, ConnectQueue& queue, BackendAddresses& addresses,
                     ConnectorListener& listener)
    : loop_(loop),
      queue_(queue),
      addresses_(addresses),
      listener_(listener),
      impatience_(loop, [this] { attempt_hangs(); }),
      give_up_call_(loop, [this] { give_up(); }),
      patience_(kPatienceMin),
      place_(queue.join(*this)) {}

Connector::~Connector() {
  leave_queue();
}

void Connector::on_turn() {
  gives_up_at_ = std::chrono::steady_clock::now() + kConnectFor;
  try_next();
}

// Searches from the beginning each time: other connectors and reports about the backend may change
// the order of the addresses, and which are in use, between two attempts.
const SocketAddress* Connector::next_address() const {
  const auto& all = addresses_.in_order();
  const auto found = std::find_if(all.begin(), all.end(), [this](const SocketAddress& address) {
    return std::find(failed_.begin(), failed_.end(), address) == failed_.end();
  });
  return found == all.end() ? nullptr : &*found;
}

void Connector::try_next() {
  while (const SocketAddress* const address = next_address()) {
    ConnectAttempt attempt = start_connect(*address);
    if (attempt.error != 0) {
      attempt_failed(*address, attempt.error);
      continue;
    }
    socket_ = std::move(attempt.fd);
    peer_ = *address;
    connected_ = std::make_unique<FdWatch>(loop_, socket_.get(), FdWatch::For::Writing,
                                           [this] { attempt_ended(); });
    connected_->start();
    impatience_.start(patience_);
    return;
  }
  give_up_call_.start();
}

void Connector::end_attempt() {
  // Both may still fire in this turn of the loop.
  connected_->stop();
  impatience_.stop();
  loop_.bury(std::move(connected_));
}

void Connector::attempt_ended() {
  end_attempt();
  int error = hpp::connect_error(socket_.get());
  // If supervisord has meanwhile found the backend at another address, another program has accepted
  // this connection.
  if (error == 0 && !addresses_.is_in_use(peer_)) error = ECONNREFUSED;
  if (error != 0) {
    socket_.reset();
    attempt_failed(peer_, error);
    return try_next();
  }
  leave_queue();
  addresses_.accepted(peer_);
  listener_.on_connected(std::move(socket_), peer_);
}

void Connector::attempt_failed(const SocketAddress& address, int error) {
  failed_.push_back(address);
  if (first_error_ == 0) first_error_ = error;
}

// Tries the same address again, because the backend's accept queue may have been full.
void Connector::attempt_hangs() {
  end_attempt();
  socket_.reset();
  patience_ = std::min(2 * patience_, kPatienceMax);
  if (std::chrono::steady_clock::now() > gives_up_at_) attempt_failed(peer_, ETIMEDOUT);
  try_next();
}

void Connector::give_up() {
  leave_queue();
  listener_.on_not_connected(first_error_);
}

void Connector::stop() {
  if (connected_) end_attempt();
  give_up_call_.cancel();
  leave_queue();
}

void Connector::leave_queue() {
  if (place_ != 0) queue_.leave(std::exchange(place_, 0));
}

}  // namespace hpp::proxyd
