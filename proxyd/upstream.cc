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

int Upstream::socket() const {
  if (stream_) return stream_->fd();
  return connector_ ? connector_->socket() : -1;
}

bool Upstream::has_ended_by_now() const {
  if (stream_) return stream_->has_ended_by_now();
  return socket() != -1 && look_at_unread(socket()) == Unread::End;
}

bool Upstream::is_abandoned(PeerSockets& peers) const {
  return peers.is_abandoned(socket());
}

void Upstream::reset_on_close() {
  if (socket() != -1) hpp::reset_on_close(socket());
}

}  // namespace hpp::proxyd
