#include "proxyd/daemon.h"

#include <algorithm>
#include <csignal>

#include "common/log.h"
#include "common/os/listen.h"

namespace hpp::proxyd {
namespace {

// The counts in ProxyState are for people: no news more often than this.
constexpr Milliseconds kPublishInterval{1000};

}  // namespace

Daemon::Daemon(Loop& loop, const Options& options)
    : loop_(loop),
      context_{.loop = loop,
               .gate = options.assume_running ? Gate::assuming_running() : Gate(),
               .pipes = {},
               .pool = Pool(loop, context_.pipes, resolve(options.backend)),
               .idle_readers = {},
               .backend = to_string(options.backend),
               .on_closed = [this](Client& client) { forget(client); }},
      publish_timer_(loop, [this] { publisher_->publish(state()); }),
      signals_(loop, {SIGTERM, SIGINT}, [this](int) { loop_.stop(); }) {
  auto sockets = listen_or_say_who(options.bind);
  if (!options.run_directory.empty()) {
    publisher_.emplace(loop, options.run_directory, bus::Topic::Proxy);
  }
  for (UniqueFd& socket : sockets) {
    listening_.push_back(local_address(socket.get()).text());
    listeners_.push_back(std::make_unique<Listener>(
        loop, std::move(socket), [this](UniqueFd connection, const SocketAddress& peer) {
          accept(std::move(connection), peer);
        }));
  }
  if (!options.assume_running) {
    if (options.livereload_port != 0) livereload_.emplace(loop, options.livereload_port);
    subscriber_.emplace(loop, options.run_directory,
                        std::initializer_list<bus::Topic>{bus::Topic::Tree, bus::Topic::Backend},
                        [this](const bus::Message& message) { on_message(message); });
  }
  if (publisher_) publisher_->publish(state());
  log::info("http://{} forwards to {}", to_string(options.bind), to_string(options.backend));
}

void Daemon::on_message(const bus::Message& message) {
  if (const auto* tree = std::get_if<bus::TreeState>(&message)) on_tree(*tree);
  if (const auto* backend = std::get_if<bus::BackendState>(&message)) on_backend(*backend);
}

void Daemon::on_tree(const bus::TreeState& tree) {
  context_.gate.on(tree);
  reconsider_all();
}

void Daemon::on_backend(const bus::BackendState& backend) {
  context_.gate.on(backend);
  if (backend.state != bus::BackendPhase::Running) context_.pool.reset_idle();
  reconsider_all();
  // Last: the requests that this brings are to find the gate as it is now.
  if (refresh_.on(backend) && livereload_) livereload_->reload();
}

void Daemon::reconsider_all() {
  std::vector<Client*> clients;
  clients.reserve(clients_.size());
  for (const auto& [client, owned] : clients_) clients.push_back(client);
  // Held requests leave in their order of arrival.
  std::sort(clients.begin(), clients.end(),
            [](const Client* a, const Client* b) { return a->arrival() < b->arrival(); });
  for (Client* client : clients) {
    if (!client->is_closed()) client->reconsider();
  }
  publish_soon();
}

void Daemon::accept(UniqueFd connection, const SocketAddress& peer) {
  auto client = std::make_unique<Client>(context_, std::move(connection), peer);
  clients_.emplace(client.get(), std::move(client));
  publish_soon();
}

void Daemon::forget(Client& client) {
  loop_.later([this, &client] { clients_.erase(&client); });
  publish_soon();
}

void Daemon::publish_soon() {
  if (publisher_ && !publish_timer_.is_active()) publish_timer_.start(kPublishInterval);
}

bus::ProxyState Daemon::state() const {
  const auto held = std::count_if(clients_.begin(), clients_.end(),
                                  [](const auto& entry) { return entry.first->is_held(); });
  return {.listening = listening_,
          .clients = clients_.size(),
          .held = static_cast<std::uint64_t>(held),
          .forwarded = context_.forwarded,
          .replayed = context_.replayed};
}

}  // namespace hpp::proxyd
