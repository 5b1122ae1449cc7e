#include "proxyd/upstream.h"

#include <utility>

namespace hpp::proxyd {

Upstream::Upstream(Loop& loop, ConnectQueue& queue, SplicePipes& pipes, BackendAddresses& addresses,
                   UpstreamListener* listener)
    : loop_(loop),
      listener_(listener),
      pump_(pipes),
      connector_(std::make_unique<Connector>(loop, queue, addresses,
                                             static_cast<ConnectorListener&>(*this))) {}

void Upstream::on_connected(UniqueFd socket, const SocketAddress& peer) {
  loop_.bury(std::move(connector_));
  peer_ = peer;
  stream_ = std::make_unique<Stream>(loop_, std::move(socket), static_cast<StreamListener&>(*this));
  if (listener_ != nullptr) listener_->on_upstream_opened();
}

void Upstream::on_not_connected(int error) {
  loop_.bury(std::move(connector_));
  connect_error_ = error;
  on_broken(error);
}

void Upstream::retire() {
  listener_ = nullptr;
  if (connector_) connector_->stop();
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
  return stream_ ? stream_->has_ended_by_now() : connector_ && connector_->has_ended_by_now();
}

bool Upstream::is_abandoned(PeerSockets& peers) const {
  return stream_ ? stream_->is_abandoned(peers) : connector_ && connector_->is_abandoned(peers);
}

void Upstream::reset_on_close() {
  if (stream_) stream_->reset_on_close();
  if (connector_) connector_->reset_on_close();
}

}  // namespace hpp::proxyd
