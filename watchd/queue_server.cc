#include "watchd/queue_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/bus/idle.h"
#include "common/log.h"
#include "common/os/fd_message.h"
#include "common/os/unix_socket.h"

namespace hpp::watchd {
namespace {

// Connections of proxyd: one, and for a moment the one of its predecessor.
constexpr std::size_t kPeersMax = 8;

}  // namespace

QueueServer::QueueServer(Loop& loop, const std::string& run_directory, std::uint64_t epoch)
    : loop_(loop), path_(run_directory + '/' + bus::kQueueSocket), epoch_(epoch) {
  listen();
}

void QueueServer::mend() {
  std::error_code error;
  if (std::filesystem::is_socket(path_, error)) return;
  const bool was_there = listener_ != nullptr;
  listener_.reset();
  listen();
  if (was_there && listener_) log::warning("{} was deleted: created it again", path_);
}

void QueueServer::listen() {
  try {
    // The run directory belongs to this user alone, and the author's lock is held.
    UniqueFd fd = bind_unix_socket(path_, SOCK_SEQPACKET);
    if (::listen(fd.get(), SOMAXCONN) != 0) return;
    listener_ = std::make_unique<Listener>(
        loop_, std::move(fd),
        [this](UniqueFd connection, const SocketAddress&) { accept(std::move(connection)); });
  } catch (const std::system_error& error) {
    log::debug("each request takes a ticket: {}", error.what());
  }
}

void QueueServer::begin_work() {
  if (offer_) offer_->page.write(0);
}

void QueueServer::withdraw() {
  begin_work();
  offer_.reset();
}

void QueueServer::report_idle(std::uint64_t sequence, const std::vector<Queue>& queues) {
  if (!offer_) {
    auto page = bus::IdlePage::create();
    if (!page || queues.size() > bus::kQueuesMax) return;
    offer_ = Offer{.page = *std::move(page), .text = {}, .fds = {}};
    offer_->fds.push_back(offer_->page.fd());
    bus::QueueOffer offer{.epoch = epoch_, .directories = {}};
    for (const Queue& queue : queues) {
      offer_->fds.push_back(queue.fd);
      offer.directories.push_back({.path = queue.directory, .id = queue.id});
    }
    offer_->text = encode(offer);
    for (const auto& peer : peers_) send(*peer);
  }
  offer_->page.write(sequence);
}

void QueueServer::accept(UniqueFd connection) {
  if (!is_peer_this_user(connection.get()) || peers_.size() == kPeersMax) return;
  auto peer = std::make_unique<Peer>();
  peer->connection = std::move(connection);
  // proxyd sends nothing, so the connection is only readable when it ends.
  peer->ended = std::make_unique<FdWatch>(loop_, peer->connection.get(), FdWatch::For::Reading,
                                          [this, raw = peer.get()] { drop(*raw); });
  peer->ended->start();
  peers_.push_back(std::move(peer));
  if (offer_) send(*peers_.back());
}

// If proxyd does not read, it has no valid page, and takes tickets.
void QueueServer::send(Peer& peer) {
  if (send_message(peer.connection.get(), offer_->text, offer_->fds) != 0) drop(peer);
}

// The peer may be in use by the caller.
void QueueServer::drop(Peer& peer) {
  peer.ended->stop();
  loop_.later([this, raw = &peer] {
    std::erase_if(peers_, [raw](const auto& one) { return one.get() == raw; });
  });
}

}  // namespace hpp::watchd
