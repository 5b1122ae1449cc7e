#include "common/bus/subscriber.h"

#include <fmt/format.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>

#include <stdexcept>

#include "common/bus/endpoints.h"
#include "common/bus/nng_workarounds.h"
#include "common/log.h"

namespace hpp::bus {
namespace {

// How often nng tries to connect to an author that is not running.
constexpr nng_duration kReconnectMinMs = 10;
constexpr nng_duration kReconnectMaxMs = 100;

void must(int error, const char* attempt) {
  if (error != 0) {
    throw std::runtime_error(fmt::format("cannot {}: {}", attempt, nng_strerror(error)));
  }
}

}  // namespace

struct Subscriber::Socket {
  Socket() { must(nng_sub0_open(&socket), "open a bus socket"); }

  ~Socket() { close_socket(socket); }

  nng_socket socket = NNG_SOCKET_INITIALIZER;
};

Subscriber::Subscriber(Loop& loop, const std::string& run_directory,
                       const std::vector<AuthorId>& authors, Audience audience,
                       OnMessage on_message)
    : on_message_(std::move(on_message)), socket_(std::make_unique<Socket>()) {
  const nng_socket socket = socket_->socket;
  must(nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, kReconnectMinMs), "set up the bus");
  must(nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, kReconnectMaxMs), "set up the bus");
  must(nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, kMessageSizeMax), "set up the bus");
  int fd = -1;
  must(nng_socket_get_int(socket, NNG_OPT_RECVFD, &fd), "set up the bus");
  readable_ = std::make_unique<FdWatch>(loop, fd, FdWatch::For::Reading, [this] { drain(); });
  readable_->start();
  for (const AuthorId& author : authors) {
    // nng compares prefixes: without the space, `backend` would also match `backend.api`.
    const std::string prefix = to_string(author) + ' ';
    must(nng_socket_set(socket, NNG_OPT_SUB_SUBSCRIBE, prefix.data(), prefix.size()),
         "subscribe to the bus");
    const std::string url = socket_url(run_directory, author, audience);
    must(nng_dial(socket, url.c_str(), nullptr, NNG_FLAG_NONBLOCK), "connect to the bus");
  }
}

Subscriber::~Subscriber() {
  readable_.reset();  // its descriptor belongs to the socket
}

void Subscriber::drain() {
  for (;;) {
    void* bytes = nullptr;
    std::size_t size = 0;
    // Any error means that no message is left. nng 1.3.2 returns NNG_ETIMEDOUT, others NNG_EAGAIN.
    if (nng_recv(socket_->socket, &bytes, &size, NNG_FLAG_NONBLOCK | NNG_FLAG_ALLOC) != 0) return;
    take({static_cast<const char*>(bytes), size});
    nng_free(bytes, size);
  }
}

void Subscriber::take(std::string_view text) {
  const Decoded decoded = decode(text);
  if (const auto* malformed = std::get_if<Malformed>(&decoded)) {
    if (!malformed_told_) log::warning("dropped a message from the bus: {}", malformed->why);
    malformed_told_ = true;
    return;
  }
  const Message& message = std::get<Message>(decoded);
  Stamp& newest = newest_[author_of(message)];
  const Stamp& stamp = stamp_of(message);
  if (stamp.epoch == newest.epoch && stamp.sequence <= newest.sequence) return;
  newest = stamp;
  log::debug("bus ◄─ {}", text);
  on_message_(message);
}

}  // namespace hpp::bus
