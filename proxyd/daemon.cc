#include "proxyd/daemon.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "common/bus/codec.h"
#include "common/log.h"
#include "common/wall_clock.h"
#include "proxyd/core/pages/own_pages.h"
#include "proxyd/listening_sockets.h"
#include "proxyd/nonce.h"

namespace hpp::proxyd {
namespace {

// The counts in ProxyState are for people: no news more often than this.
constexpr Milliseconds kPublishInterval{1000};

constexpr const char* kLapsed =
    "the watcher does not answer: requests may meet old code until it does";

// supervisord tells how things stand as soon as it is there, some ten milliseconds after proxyd.
constexpr Milliseconds kSupervisorPatience{3000};

constexpr const char* kUnsupervised =
    "the supervisor has not been heard yet: requests wait until it is";

Gate gate_for(const Options& options) {
  if (options.assume_running) return Gate::assuming_running();
  return Gate({.is_on = options.barrier,
               .timeout = Milliseconds{options.barrier_timeout_ms},
               .epoch = bus::random_epoch()});
}

std::optional<Milliseconds> queue_timeout(const Options& options) {
  if (options.queue_timeout_ms == 0) return std::nullopt;
  return Milliseconds{options.queue_timeout_ms};
}

TimePoint now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Daemon::Daemon(Loop& loop, const Options& options)
    : loop_(loop),
      manager_(loop),
      context_{.loop = loop,
               .gate = gate_for(options),
               .queue_limit = options.queue_limit,
               .queue_timeout = queue_timeout(options),
               .queue = {},
               .pipes = {},
               .pool = Pool(loop, context_.pipes, resolve(options.backend)),
               .idle_readers = {},
               .bind = options.bind,
               .injects = options.inject,
               .backend = to_string(options.backend),
               .history = {},
               .defects = {},
               .report = [this](log::Level level, const std::string& line) { report(level, line); },
               .expose_errors = options.expose_errors,
               .take_ticket = [this] { return take_ticket(); },
               .take_doubt = [this] { return take_doubt(); },
               .read_bus = [this] { read_bus(); },
               .answer_endpoint =
                   [this](OwnEndpoint endpoint, const RequestFacts& request) {
                     return answer_endpoint(endpoint, request);
                   },
               .hand_over = [this](Client& client, Stream& stream,
                                   const std::string& key) { hand_over(client, stream, key); },
               .on_closed = [this](Client& client) { forget(client); }},
      livereload_(loop),
      publish_timer_(loop, [this] { publish(); }),
      barrier_timer_(loop,
                     [this] {
                       read_bus();
                       ask();
                     }),
      burst_timer_(loop, [this] { end_burst(); }),
      supervisor_timer_(loop, [this] { tell_of_supervisor(); }),
      signals_(loop, {SIGTERM, SIGINT}, [this](int) { loop_.stop(); }) {
  auto sockets = listen_for_good(manager_, "http", options.bind);
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
    if (options.livereload_port != 0) livereload_.listen(manager_, options.livereload_port);
    subscriber_.emplace(loop, options.run_directory,
                        std::initializer_list<bus::Topic>{bus::Topic::Tree, bus::Topic::Backend},
                        bus::Audience::TicketHandlers,
                        [this](const bus::Message& message) { on_message(message); });
    supervisor_timer_.start(kSupervisorPatience);
  }
  if (publisher_) publish();
  log::info("http://{} forwards to {}", to_string(options.bind), to_string(options.backend));
  manager_.ready();
}

// For a deadline: the news that it waits for may have come while the callbacks of this turn ran.
void Daemon::read_bus() {
  if (subscriber_) subscriber_->read_now();
}

void Daemon::on_message(const bus::Message& message) {
  if (const auto* tree = std::get_if<bus::TreeState>(&message)) on_tree(*tree);
  if (const auto* backend = std::get_if<bus::BackendState>(&message)) on_backend(*backend);
}

void Daemon::on_tree(const bus::TreeState& tree) {
  const auto points = [this] {
    const auto& known = context_.gate.tree();
    return known ? std::optional(std::pair{known->point(), known->refresh_point()}) : std::nullopt;
  };
  const auto before = points();
  context_.gate.on(tree, now());
  if (points() != before) context_.changed_at = now();
  tell_of_barrier();
  reconsider_queue();
  ask_soon();
  livereload_.on(tree);
}

void Daemon::on_backend(const bus::BackendState& backend) {
  context_.gate.on(backend);
  context_.history.on(backend);
  tell_of_supervisor();
  context_.pool.backend_runs(backend.state == bus::BackendPhase::Running);
  context_.pool.backend_answers_at(backend.address);
  reconsider_all();
  ask_soon();
  // Last: the requests that this brings are to find the gate as it is now.
  livereload_.on(backend);
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

// Of what the tree decides: only those who wait.
void Daemon::reconsider_queue() {
  std::vector<Client*> clients;
  clients.reserve(context_.queue.size());
  for (const auto& [arrival, client] : context_.queue) clients.push_back(client);
  for (Client* client : clients) {
    if (!client->is_closed()) client->reconsider();
  }
  if (!clients.empty()) publish_soon();
}

// ---- the barrier --------------------------------------------------------------------------------

std::uint64_t Daemon::take_ticket() {
  const std::uint64_t ticket = context_.gate.barrier().take(now());
  if (ticket != 0) ask_soon();
  publish_soon();
  return ticket;
}

std::uint64_t Daemon::take_doubt() {
  ask_soon();
  return context_.gate.doubt();
}

// One ticket for all requests that come as long as there is something to do: each takes the
// processors from the requests, where there are many.
void Daemon::ask_soon() {
  if (!std::exchange(asking_, true)) loop_.when_idle([this] { ask(); });
}

void Daemon::ask() {
  asking_ = false;
  Barrier& barrier = context_.gate.barrier();
  if (const auto ticket = barrier.next(now())) state_.asks = *ticket;
  state_.doubts = context_.gate.newest_doubt();
  // Its connections are closed at the end of the turn, which is still to come if a timer called us.
  if (const auto ended = context_.gate.ended_generation(); ended != state_.let_go) {
    if (loop_.has_later()) {
      ask_soon();
    } else {
      state_.let_go = ended;
    }
  }
  // Of no news nothing is sent. The counts stay as they were: they would be written to the file
  // with each ticket.
  if (publisher_) publisher_->publish(state_);
  if (barrier.has_lapsed() && !lapse_told_) {
    tell_of_barrier();
    reconsider_queue();
  }
  if (const auto wake_at = barrier.wake_at()) {
    barrier_timer_.start(std::chrono::duration_cast<std::chrono::microseconds>(*wake_at - now()));
  } else {
    barrier_timer_.stop();
  }
}

void Daemon::tell_of_barrier() {
  tell_of(lapse_told_, context_.gate.barrier().has_lapsed(), kLapsed,
          "the watcher answers again: no request meets old code");
}

void Daemon::tell_of_supervisor() {
  tell_of(silence_told_, !context_.gate.backend(), kUnsupervised,
          "the supervisor is heard: requests go on");
}

// Of a trouble when it begins, and when it is over.
void Daemon::tell_of(bool& told, bool is_there, const char* trouble, const char* end) {
  if (std::exchange(told, is_there) == is_there) return;
  if (is_there) {
    log::warning("{}", trouble);
  } else {
    log::info("{}", end);
  }
  publish_soon();
}

// ---- failures ---------------------------------------------------------------------------------

void Daemon::report(log::Level level, const std::string& line) {
  if (failures_.admit(line, now())) log::write(level, line);
  if (burst_timer_.is_active()) return;
  burst_timer_.start(std::chrono::duration_cast<Milliseconds>(*failures_.wake_at() - now()));
}

void Daemon::end_burst() {
  if (const std::size_t more = failures_.end_burst(); more > 0) {
    log::info("{} more {} like these", more, more == 1 ? "request" : "requests");
  }
}

// ---- clients ------------------------------------------------------------------------------------

void Daemon::accept(UniqueFd connection, const SocketAddress& peer) {
  auto client = std::make_unique<Client>(context_, std::move(connection), peer);
  clients_.emplace(client.get(), std::move(client));
  publish_soon();
}

void Daemon::forget(Client& client) {
  loop_.later([this, &client] { clients_.erase(&client); });
  publish_soon();
}

// Later: the client is in the middle of reading from that stream.
void Daemon::hand_over(Client& client, Stream& stream, const std::string& websocket_key) {
  loop_.later([this, &stream, websocket_key] { livereload_.take_over(stream, websocket_key); });
  forget(client);
}

void Daemon::publish_soon() {
  if (publisher_ && !publish_timer_.is_active()) publish_timer_.start(kPublishInterval);
}

void Daemon::publish() {
  state_ = state_now();
  publisher_->publish(state_);
}

bus::ProxyState Daemon::state_now() const {
  bus::ProxyState state = state_;
  state.listening = listening_;
  state.clients = clients_.size();
  state.held = context_.queue.size();
  state.forwarded = context_.forwarded;
  state.replayed = context_.replayed;
  state.problem = silence_told_ ? kUnsupervised : lapse_told_ ? kLapsed : "";
  if (publisher_ && publisher_->last()) state.stamp = bus::stamp_of(*publisher_->last());
  return state;
}

OwnAnswer Daemon::answer_endpoint(OwnEndpoint endpoint, const RequestFacts& request) {
  const bus::ProxyState proxy = state_now();
  const std::string nonce = random_nonce();
  return endpoint_answer(endpoint, request,
                         {.tree = context_.gate.tree(),
                          .backend = context_.gate.backend(),
                          .proxy = proxy,
                          .history = context_.history,
                          .defects = context_.defects,
                          .now_ms = wall_ms(),
                          .nonce = nonce});
}

}  // namespace hpp::proxyd
