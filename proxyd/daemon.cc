#include "proxyd/daemon.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <utility>

#include "common/bus/codec.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/os/lan_addresses.h"
#include "proxyd/core/kept_request.h"
#include "proxyd/core/pages/own_pages.h"
#include "proxyd/listening_sockets.h"
#include "proxyd/nonce.h"

namespace hpp::proxyd {
namespace {

Target target_for(const Options& options) {
  return {.gate = options.assume_running ? Gate::assuming_running() : Gate(bus::random_epoch()),
          .queue_limit = options.queue_limit,
          .host = to_string(options.backend)};
}

// `--lan` listens on every address of the machine.
Address bind_of(const Options& options) {
  return options.lan ? Address{.host = "*", .port = options.bind.port} : options.bind;
}

std::string network_line(std::uint16_t port) {
  std::string line;
  for (const std::string& ip : lan_addresses()) line += fmt::format(" http://{}:{}/", ip, port);
  return line.empty() ? "--lan: this machine has no address in a local network" : "Network:" + line;
}

void log_addresses(const Options& options) {
  log::detail("http://{} forwards to {}", to_string(options.bind), to_string(options.backend));
  if (options.lan) log::detail("{}", network_line(options.bind.port));
}

Barrier::Settings barrier_for(const Options& options) {
  return {.is_on = options.barrier && !options.assume_running,
          .timeout = Milliseconds{options.barrier_timeout_ms},
          .epoch = bus::random_epoch()};
}

std::optional<Milliseconds> queue_timeout(const Options& options) {
  if (options.queue_timeout_ms == 0) return std::nullopt;
  return Milliseconds{options.queue_timeout_ms};
}

}  // namespace

Daemon::Daemon(Loop& loop, const Options& options)
    : loop_(loop),
      manager_(loop),
      context_{
          .loop = loop,
          .pipes = {},
          .target = {target_for(options), Pool(loop, context_.pipes, resolve(options.backend))},
          .switchboard = Switchboard(context_.target, barrier_for(options)),
          .queue_timeout = queue_timeout(options),
          .idle_readers = {},
          .intake = {.access = {.bind = options.bind,
                                .trusted_host = options.trusted_host,
                                .has_lan = options.lan},
                     .injects = options.inject || options.lan},
          .records = RequestRecords(options.inspect),
          .report = [this](log::Level level, const std::string& line) { report(level, line); },
          .expose_errors = options.expose_errors,
          .editor_target =
              [this](const bus::BackendState& backend) { return editor_target_of(backend); },
          .on_crash = [this](std::uint64_t generation,
                             const std::string& request) { on_crash(generation, request); },
          .perform = [this](const Switchboard::Effects& effects) { perform(effects); },
          .read_bus = [this] { read_bus(); },
          .look_at_queues =
              [this] { return queues_ ? queues_->look() : std::optional<bus::IdlePoint>(); },
          .answer_endpoint =
              [this](const AnswerOwn& asked, const RequestFacts& request) {
                return answer_endpoint(asked, request);
              },
          .hand_over = [this](Client& client, Stream& stream,
                              const HandOver& effect) { hand_over(client, stream, effect); },
          .on_closed = [this](Client& client) { forget(client); }},
      editor_(loop),
      livereload_(loop),
      repeater_(loop),
      url_("http://" + to_string(options.bind)),
      count_timer_(loop, [this] { perform(switchboard().count()); }),
      barrier_timer_(loop,
                     [this] {
                       read_bus();
                       ask();
                     }),
      crash_call_(loop, [this] { tell_browsers(); }),
      burst_timer_(loop, [this] { end_burst(); }),
      supervisor_timer_(loop, [this] { perform(switchboard().on_supervisor_overdue()); }),
      signals_(loop, {SIGTERM, SIGINT}, [this](int) { loop_.stop(); }) {
  listen(options);
  if (!options.run_directory.empty()) {
    publisher_.emplace(loop, options.run_directory, bus::Topic::Proxy);
    output_log_.emplace(options.run_directory, bus::Topic::Backend);
  }
  if (!options.assume_running) {
    if (options.livereload_port != 0) livereload_.listen(manager_, options.livereload_port);
    subscriber_.emplace(loop, options.run_directory,
                        std::vector<bus::AuthorId>{bus::Topic::Tree, bus::Topic::Backend},
                        bus::Audience::TicketHandlers,
                        [this](const bus::Message& message) { on_message(message); });
    if (options.barrier) queues_.emplace(loop, options.run_directory);
    supervisor_timer_.start(kSupervisorPatience);
  }
  perform(switchboard().count());
  log_addresses(options);
  manager_.ready();
}

void Daemon::listen(const Options& options) {
  auto sockets = listen_for_good(manager_, "http", bind_of(options));
  if (!sockets.empty()) repeater_.connects_to(local_address(sockets.front().get()));
  std::vector<std::string> addresses;
  for (UniqueFd& socket : sockets) {
    addresses.push_back(local_address(socket.get()).text());
    listeners_.push_back(std::make_unique<Listener>(
        loop_, std::move(socket), [this](UniqueFd connection, const SocketAddress& peer) {
          accept(std::move(connection), peer);
        }));
  }
  switchboard().listens_on(std::move(addresses), site_url(options.bind));
}

// Must be called before a deadline is handled, because the report that would have prevented it may
// have arrived during the callbacks of this turn.
void Daemon::read_bus() {
  if (subscriber_) subscriber_->read_now();
}

void Daemon::on_message(const bus::Message& message) {
  if (const auto* tree = std::get_if<bus::TreeState>(&message)) on_tree(*tree);
  if (const auto* backend = std::get_if<bus::BackendState>(&message)) on_backend(*backend);
}

// LiveReload comes last, so that the requests of reloading browsers meet the updated gate.
void Daemon::on_tree(const bus::TreeState& tree) {
  if (queues_) queues_->connect();
  perform(switchboard().on(tree, now()));
  livereload_.on(tree);
}

void Daemon::on_backend(const bus::BackendState& backend) {
  PooledTarget& target = context_.target;
  target.pool.backend_runs(backend.state == bus::BackendPhase::Running);
  target.pool.backend_answers_at(backend.address);
  perform(switchboard().on(target, backend));
  tell_browsers();
  if (!context_.records.is_due(backend)) return;
  for (const RequestRecord& record : context_.records.repeated()) send_again(&record);
}

// Requests fail one after another, so browsers get the new title at the end of the turn.
void Daemon::on_crash(std::uint64_t generation, const std::string& request) {
  perform(switchboard().crash(context_.target, generation, request));
  crash_call_.start();
}

// Passes on the newest report about the backend, and what proxyd itself knows about its failure.
void Daemon::tell_browsers() {
  const auto& backend = context_.target.gate.backend();
  if (!backend) return;
  livereload_.on(*backend, {.requests = context_.target.crash_requests.text(backend->generation),
                            .editor = editor_target_of(*backend)});
}

std::string Daemon::editor_target_of(const bus::BackendState& backend) {
  return editor_target(backend, switchboard().barrier().tree(), editor_.has_command());
}

// ---- the switchboard ----------------------------------------------------------------------------

void Daemon::perform(const Switchboard::Effects& effects) {
  for (const Switchboard::Effect& effect : effects) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Daemon::perform(const Switchboard::AskSoon&) {
  loop_.when_idle([this] { ask(); });
}

void Daemon::perform(const Switchboard::CountSoon&) {
  if (publisher_) count_timer_.start(kCountInterval);
}

void Daemon::perform(const Switchboard::Publish&) {
  if (publisher_) publisher_->publish(switchboard().state());
}

void Daemon::perform(const Switchboard::Reconsider& effect) {
  for (const ConnectionId id : effect.connections) {
    Client& client = *clients_.at(id);
    if (!client.is_closed()) client.reconsider();
  }
}

void Daemon::perform(const Switchboard::Say& effect) {
  log::write(effect.is_warning ? log::Level::Warning : log::Level::Info, effect.text);
}

// Connections are closed at the end of the loop's turn, which has not come yet if a timer called
// this.
void Daemon::ask() {
  perform(switchboard().ask(/*has_closes=*/loop_.has_later(), now()));
  if (const auto wake_at = switchboard().wake_at()) {
    barrier_timer_.start(std::chrono::duration_cast<std::chrono::microseconds>(*wake_at - now()));
  } else {
    barrier_timer_.stop();
  }
}

// ---- failures ---------------------------------------------------------------------------------

void Daemon::report(log::Level level, const std::string& line) {
  if (failures_.admit(line, now())) log::write(level, line);
  if (burst_timer_.is_active()) return;
  burst_timer_.start(std::chrono::duration_cast<Milliseconds>(*failures_.wake_at() - now()));
}

void Daemon::end_burst() {
  if (const std::size_t more = failures_.end_burst(); more > 0) {
    log::info("{} more {} failed in the same way", more, more == 1 ? "request" : "requests");
  }
}

// ---- clients ------------------------------------------------------------------------------------

void Daemon::accept(UniqueFd connection, const SocketAddress& peer) {
  const ConnectionId id = next_connection_++;
  perform(switchboard().connect(id));
  clients_.emplace(
      id, std::make_unique<Client>(context_, switchboard().place(id), std::move(connection), peer));
}

void Daemon::forget(Client& client) {
  loop_.later([this, id = client.id()] {
    clients_.erase(id);
    perform(switchboard().forget(id));
  });
}

// Takes the stream over at the end of the turn, because the client is still reading from it.
void Daemon::hand_over(Client& client, Stream& stream, const HandOver& effect) {
  loop_.later([this, &stream, effect] {
    livereload_.take_over(stream, effect.websocket_key, effect.is_from_here);
  });
  forget(client);
}

OwnAnswer Daemon::open_editor() {
  const bus::BackendState backend = context_.target.gate.backend().value_or(bus::BackendState{});
  const auto place = editor_place(backend, switchboard().barrier().tree());
  if (!editor_.has_command()) {
    return {.status = 404, .body = "Set HPP_EDITOR to the command of your editor: code -g\n"};
  }
  if (!place) return {.status = 404, .body = "There is no error in a file of the project.\n"};
  const std::string problem = editor_.open(*place);
  if (!problem.empty()) return {.status = 500, .body = problem + '\n'};
  return {.status = 202, .body = "Opening the file in your editor.\n"};
}

// Performs what the answer of endpoint_answer() will say.
void Daemon::act_on(const AnswerOwn& asked) {
  using enum OwnEndpoint;
  RequestRecords& records = context_.records;
  if (asked.endpoint == Restart) perform(switchboard().request_restart());
  if (asked.endpoint == Pause) perform(switchboard().request_pause(true));
  if (asked.endpoint == Resume) perform(switchboard().request_pause(false));
  if (asked.endpoint == SendAgain) send_again(records.find(asked.number));
  if (asked.endpoint == Repeat) records.repeat(asked.number);
  if (asked.endpoint == SendOnce) records.stop_repeating(asked.number);
  if (asked.endpoint == Log && output_log_) output_.take(output_log_->read().value_or(""));
}

void Daemon::send_again(const RequestRecord* record) {
  if (record == nullptr) return;
  const KeptRequest request = read_kept(*record);
  if (request.can_be_sent) repeater_.send(message_of(request));
}

OwnAnswer Daemon::answer_endpoint(const AnswerOwn& asked, const RequestFacts& request) {
  if (asked.endpoint == OwnEndpoint::OpenEditor) return open_editor();
  act_on(asked);
  bus::ProxyState proxy = switchboard().state_now();
  if (publisher_ && publisher_->last()) proxy.stamp = bus::stamp_of(*publisher_->last());
  const std::string nonce = random_nonce();
  return endpoint_answer(asked, request,
                         {.tree = switchboard().barrier().tree(),
                          .backend = context_.target.gate.backend(),
                          .proxy = proxy,
                          .history = context_.target.history,
                          .defects = context_.target.defects,
                          .records = context_.records,
                          .output = output_,
                          .now = {.wall_ms = wall_ms(), .steady = now()},
                          .url = url_,
                          .nonce = nonce});
}

}  // namespace hpp::proxyd
