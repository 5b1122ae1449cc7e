#include "tests/sim/proxyd.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "proxyd/core/reuse.h"

namespace hpp::sim {
namespace {

using proxyd::Framing;
using Phase = proxyd::Phase;

constexpr Micros kBarrierTimeout = 2s;

bool is_plain_and_safe(const Request& request) {
  return request.facts.is_safe && request.facts.framing == Framing::None &&
         request.kind == Request::Kind::Plain;
}

}  // namespace

Proxyd::Proxyd(World& world, Bus& bus, Files& files, Processes& processes,
               IdleReports& idle_reports)
    : world_(world), bus_(bus), files_(files), processes_(processes), idle_reports_(idle_reports) {
  processes_.on_link = [this](const LinkPointer& link) { on_upstream(link); };
}

// ---- the program --------------------------------------------------------------------------------

void Proxyd::start() {
  world_.trace("proxyd: starts");
  bus_.open(bus::Topic::Proxy);
  const bool has_barrier = world_.traits.barrier_is_on && world_.broken != Break::Barrier;
  const proxyd::Barrier::Settings barrier{
      .is_on = has_barrier,
      .timeout = std::chrono::duration_cast<std::chrono::milliseconds>(kBarrierTimeout),
      .epoch = (world_.random.next() >> 12) | 1};
  target_ = {.gate = proxyd::Gate(barrier.epoch), .queue_limit = world_.traits.queue_limit};
  switchboard_.emplace(target_, barrier);
  switchboard_->listens_on({"127.0.0.1:8000"}, "http://localhost:8000/");
  for (const bus::Topic topic : {bus::Topic::Tree, bus::Topic::Backend}) {
    bus_.subscribe(bus::Topic::Proxy, topic, bus::Audience::TicketHandlers,
                   [this](const bus::Message& message) { on_message(message); });
  }
  perform(switchboard_->count());
}

void Proxyd::die() {
  world_.trace("proxyd: DIES");
  effects_left_ = 0;
  ++incarnation_;
  for (auto& [number, client] : clients_) {
    if (client->upstream) processes_.close(client->upstream);
    if (!client->is_closed() || is_dying_) tell(*client, {.is = ToClient::Is::Cut});
  }
  is_dying_ = false;
  for (const LinkPointer& link : idle_) processes_.close(link);
  clients_.clear();
  idle_.clear();
  switchboard_.reset();
  target_ = {};
  tree_.reset();
  lost_at_.reset();
  refresh_ = {};
  idle_reports_.end_proxyd();
  bus_.close(bus::Topic::Proxy);
  bus_.unsubscribe(bus::Topic::Proxy);
  on_reload();
}

bool Proxyd::has_decision() const {
  if (!switchboard_ || !gate().backend()) return false;
  const bus::BackendPhase state = gate().backend()->state;
  return state == bus::BackendPhase::Running || state == bus::BackendPhase::Error;
}

void Proxyd::on_message(const bus::Message& message) {
  if (const auto* tree = std::get_if<bus::TreeState>(&message)) on_tree(*tree);
  if (const auto* backend = std::get_if<bus::BackendState>(&message)) on_backend(*backend);
  if (switchboard_ && !is_dying_) check_no_request_waits_in_vain();
}

void Proxyd::on_tree(const bus::TreeState& tree) {
  world_.trace("proxyd: hears {}", world_.traces() ? text_of(tree) : "");
  idle_reports_.connect();
  note_watch(tree);
  tree_ = tree;
  perform(switchboard_->on(tree, world_.now()));
}

void Proxyd::on_backend(bus::BackendState backend) {
  world_.trace("proxyd: hears {}", world_.traces() ? text_of(backend) : "");
  if (world_.broken == Break::Generation) {
    if (tree_) backend.serves.epoch = tree_->stamp.epoch;
    backend.serves.revision = std::numeric_limits<std::uint64_t>::max();
  }
  if (backend.state == bus::BackendPhase::Error) {
    for (const auto& [number, client] : clients_) {
      const bool is_with_it =
          client->connection.phase() == Phase::Sent || client->connection.phase() == Phase::Lost;
      if (is_with_it && client->connection.request()->generation() == backend.generation) {
        client->request->crashed = backend.generation;
      }
    }
  }
  if (backend.state != bus::BackendPhase::Running && world_.broken != Break::Release) {
    for (const LinkPointer& link : std::exchange(idle_, {})) processes_.close(link);
  }
  perform(switchboard_->on(target_, backend));
  if (refresh_.on(backend)) {
    world_.trace("proxyd: browsers reload");
    on_reload();
  }
}

void Proxyd::request_restart() {
  if (!switchboard_ || is_dying_) return;
  perform(switchboard_->request_restart());
}

void Proxyd::request_pause(bool begins) {
  if (!switchboard_ || is_dying_) return;
  perform(switchboard_->request_pause(begins));
}

// ---- the switchboard ----------------------------------------------------------------------------

void Proxyd::perform(const Switchboard::Effects& effects) {
  for (const Switchboard::Effect& effect : effects) {
    if (is_dying_) return;
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Proxyd::after(Micros delay, void (Proxyd::*happens)()) {
  world_.after(delay, [this, happens, incarnation = incarnation_] {
    if (incarnation == incarnation_ && !is_dying_) (this->*happens)();
  });
}

// The end of the turn is a moment later, so other requests may arrive before it.
void Proxyd::perform(const Switchboard::AskSoon&) {
  after(world_.random.up_to(100us), &Proxyd::ask);
}

void Proxyd::perform(const Switchboard::CountSoon&) {
  after(proxyd::kCountInterval, &Proxyd::count);
}

void Proxyd::perform(const Switchboard::Publish&) {
  bus_.publish(bus::Topic::Proxy, switchboard_->state());
}

void Proxyd::perform(const Switchboard::Reconsider& effect) {
  for (const proxyd::ConnectionId id : effect.connections) {
    Client* const client = find(id);
    if (client != nullptr && !client->is_closed()) reconsider(*client);
  }
}

void Proxyd::perform(const Switchboard::Say& effect) {
  world_.trace("proxyd: {}", effect.text);
}

void Proxyd::count() {
  perform(switchboard_->count());
}

void Proxyd::ask() {
  perform(switchboard_->ask(/*has_closes=*/false, world_.now()));
  if (is_dying_) return;
  check_barrier();
  ++barrier_timer_;
  if (const auto wake_at = switchboard_->wake_at()) {
    world_.at(*wake_at, [this, timer = barrier_timer_, incarnation = incarnation_] {
      if (incarnation == incarnation_ && timer == barrier_timer_) ask();
    });
  }
  check_no_request_waits_in_vain();
}

// ---- what clients do ----------------------------------------------------------------------------

std::uint64_t Proxyd::connect(OnNews on_news) {
  if (!switchboard_) return 0;
  const std::uint64_t number = next_number_++;
  perform(switchboard_->connect(number));
  auto client = std::make_unique<Client>(switchboard_->place(number));
  client->on_news = std::move(on_news);
  clients_.emplace(number, std::move(client));
  return number;
}

Proxyd::Client* Proxyd::find(std::uint64_t number) {
  const auto found = clients_.find(number);
  return found == clients_.end() ? nullptr : found->second.get();
}

void Proxyd::send(std::uint64_t connection, FromClient what) {
  Client* const client = find(connection);
  if (client == nullptr) return;
  client->from_client = std::max(client->from_client, world_.now() + a_moment(world_));
  world_.at(client->from_client, [this, connection, what] {
    Client* const to = find(connection);
    if (to == nullptr || to->is_closed()) return;
    to->input.push_back(what);
    work(*to);
  });
}

void Proxyd::send_fin(std::uint64_t connection) {
  Client* const client = find(connection);
  if (client == nullptr) return;
  client->from_client = std::max(client->from_client, world_.now() + a_moment(world_));
  world_.at(client->from_client, [this, connection] {
    Client* const to = find(connection);
    if (to == nullptr || to->is_closed()) return;
    to->has_fin = true;
    if (to->connection.phase() == Phase::Held) report_client_end(*to, look(*to));
    work(*to);
  });
}

void Proxyd::reset(std::uint64_t connection) {
  Client* const client = find(connection);
  if (client == nullptr) return;
  world_.after(a_moment(world_), [this, connection] {
    Client* const to = find(connection);
    if (to == nullptr || to->is_closed()) return;
    world_.trace("proxyd: client {} has reset", connection);
    to->has_reset = true;
    if (to->connection.phase() == Phase::Held) to->request->must_not_run = true;
    handle(*to, proxyd::ClientBroken{});
    work(*to);
  });
}

// ---- progress -----------------------------------------------------------------------------------

void Proxyd::reconsider(Client& client) {
  perform(client, proxyd::AskGate{});
  work(client);
}

void Proxyd::on_upstream(const LinkPointer& link) {
  if (is_dying_) return;
  if (link->client == 0) {
    processes_.close(link);
    std::erase(idle_, link);
    return;
  }
  Client* const client = find(link->client);
  if (client == nullptr || client->upstream != link) return;
  if (link->is_broken) {
    report(*client, proxyd::backend_broken(client->connection, look(*client), {}));
  } else if (client->connection.phase() == Phase::Sent && !client->head_is_sent) {
    send_request(*client);
  }
  work(*client);
}

// One client, for try_steps().
struct Proxyd::Steps {
  proxyd::Wires look() const { return Proxyd::look(client); }

  bool read_request(const proxyd::Wires& wires) { return self.read_request(client, wires); }

  bool pump_request() { return self.pump_request(client); }

  bool read_response(const proxyd::Wires& wires) { return self.read_response(client, wires); }

  bool pump_response() { return self.pump_response(client); }

  bool pump_tunnel() { return self.pump_tunnel(client); }

  bool report_client_end(const proxyd::Wires& wires) {
    return self.report_client_end(client, wires);
  }

  bool drain() { return self.drain(client); }

  Proxyd& self;
  Client& client;
};

void Proxyd::work(Client& client) {
  while (!client.is_closed() && !is_dying_ &&
         proxyd::try_steps(client.connection.phase(), Steps{*this, client})) {
  }
  if (is_dying_) return;
  switchboard_->set_waiting(client.place, client.connection.phase() == Phase::Held);
  if (client.is_closed()) {
    const std::uint64_t number = client.number();
    clients_.erase(number);
    perform(switchboard_->forget(number));
  } else if (client.connection.phase() != Phase::Finishing) {
    set_timer(client);
  }
}

proxyd::Wires Proxyd::look(const Client& client) {
  proxyd::Wires wires{.client_has_input = !client.input.empty(),
                      .client_ended = client.has_fin,
                      .client_end_in_sight = client.has_fin,
                      .request_is_over = client.body_is_over,
                      .response_may_close = client.response.framing == Framing::UntilClose};
  if (!client.is_open()) return wires;
  wires.backend_is_open = true;
  wires.backend_has_input = !client.upstream->inbox.empty();
  wires.backend_ended = client.upstream->has_ended;
  wires.backend_is_broken = client.upstream->is_broken;
  return wires;
}

bool Proxyd::report(Client& client, const std::optional<proxyd::Event>& event) {
  if (event) handle(client, *event);
  return event.has_value();
}

bool Proxyd::read_request(Client& client, const proxyd::Wires& wires) {
  const bool is_part =
      !client.input.empty() && client.input.front().is == FromClient::Is::PartOfHead;
  if (client.input.empty() || (is_part && client.input.size() == 1)) {
    report(client, proxyd::request_head_missing(proxyd::NeedMore{}, is_part ? "GE" : "", wires));
    return client.connection.phase() != Phase::Reading;
  }
  if (is_part) client.input.pop_front();
  Request& request = *client.input.front().request;
  client.input.pop_front();
  client.request = &request;
  client.body_is_over = request.facts.framing == Framing::None;
  client.passed = client.answered = 0;

  request.version = files_.version();
  proxyd::RequestFacts facts = request.facts;
  if (world_.broken == Break::Replay) facts.is_safe = true;
  perform(switchboard_->arrive(client.place, target_, /*is_judged=*/true, world_.now(),
                               idle_reports_.look()));
  const std::uint64_t ticket = client.place.ticket;
  if (ticket == 0 && world_.traits.barrier_is_on) ++world_.without_ticket;
  world_.trace("proxyd: request {} of client {} arrives, version {}, ticket {}", request.id,
               client.number(), request.version, ticket);
  handle(client, proxyd::RequestArrived{.facts = facts, .ticket = ticket});
  return true;
}

bool Proxyd::pump_request(Client& client) {
  if (client.input.empty()) return false;
  client.input.pop_front();
  client.body_is_over = true;
  processes_.send_body(client.upstream, *client.request);
  return report(client, proxyd::request_pumped(proxyd::Pumped::Over, ""));
}

bool Proxyd::read_response(Client& client, const proxyd::Wires& wires) {
  Link& link = *client.upstream;
  if (link.inbox.empty()) return report(client, proxyd::response_head_missing(wires));
  const FromBackend from = link.inbox.front();
  if (from.request != client.request) {
    world_.violated("request {} gets the answer to request {}", client.request->id,
                    from.request->id);
  }
  client.response = from.facts;
  handle(client, proxyd::ResponseArrived{.facts = from.facts, .body_begun = link.inbox.size() > 1});
  if (!client.upstream) return true;
  if (client.connection.keeps_head()) {
    return report(client, proxyd::response_kept(client.response, wires));
  }
  link.inbox.pop_front();
  return true;
}

bool Proxyd::pump_response(Client& client) {
  Link& link = *client.upstream;
  // An answer without a body ends with its head.
  bool is_over = client.response.framing == Framing::None;
  if (!link.inbox.empty()) {
    is_over = link.inbox.front().is == FromBackend::Is::End &&
              client.response.framing != Framing::UntilClose;
    link.inbox.pop_front();
    ++client.passed;
    if (!is_over) return true;
  }
  const auto pumped = is_over ? proxyd::Pumped::Over : proxyd::Pumped::MayGoOn;
  return report(client, proxyd::response_pumped(pumped, "", look(client)));
}

bool Proxyd::report_client_end(Client& client, const proxyd::Wires& wires) {
  const auto event = proxyd::client_ended(client.connection, wires);
  // With --break replay, the violation should be that a POST runs twice, not this one.
  const bool is_safe = (client.request != nullptr && client.request->facts.is_safe) ||
                       world_.broken == Break::Replay;
  const bool waits_for_backend =
      client.connection.phase() == Phase::Held && client.request->is_settled;
  if (event && waits_for_backend && !is_safe) client.request->must_not_run = true;
  return report(client, event);
}

bool Proxyd::drain(Client& client) {
  const bool has_sent = !client.input.empty();
  client.input.clear();
  const auto closes_at = client.farewell.closes_at({.is_written = true,
                                                    .has_sent = has_sent,
                                                    .client_ended = client.has_fin,
                                                    .all_is_read = true},
                                                   world_.now());
  if (!closes_at) {
    close(client);
  } else if (std::exchange(client.closes_at, *closes_at) != *closes_at) {
    expire_after(client, std::chrono::duration_cast<Micros>(*closes_at - world_.now()));
  }
  return false;
}

// Passes each side's FIN to the other side. The tunnel ends after both.
bool Proxyd::pump_tunnel(Client& client) {
  const Link& link = *client.upstream;
  if (link.has_ended && !std::exchange(client.fin_is_passed, true)) {
    tell(client, {.is = ToClient::Is::Fin});
  }
  if (client.input_ended() && !std::exchange(client.fin_is_given, true)) {
    processes_.send_fin(client.upstream, *client.request);
  }
  if (!link.has_ended || !client.input_ended()) return false;
  handle(client, proxyd::TunnelEnded{});
  return true;
}

void Proxyd::set_timer(Client& client) {
  if (const auto wake_at = client.connection.wake_at()) {
    expire_after(client, std::chrono::duration_cast<Micros>(*wake_at - world_.now()));
  } else {
    ++client.timer;
  }
}

void Proxyd::expire_after(Client& client, Micros delay) {
  world_.after(delay, [this, number = client.number(), timer = ++client.timer] {
    Client* const expired = find(number);
    if (expired != nullptr && expired->timer == timer) on_expired(*expired);
  });
}

void Proxyd::on_expired(Client& client) {
  if (client.connection.phase() == Phase::Finishing) {
    close(client);
  } else {
    const bool flows = std::exchange(client.answered, client.passed) != client.passed;
    handle(client,
           proxyd::TimerExpired{.answer_flows = flows, .request_comes = !client.input.empty()});
  }
  work(client);
}

void Proxyd::close(Client& client) {
  if (!client.is_closed()) handle(client, proxyd::ClientBroken{});
}

void Proxyd::tell(Client& client, ToClient news) {
  client.to_client = std::max(client.to_client, world_.now() + a_moment(world_));
  world_.at(client.to_client, [on_news = client.on_news, news] { on_news(news); });
}

// ---- effects ------------------------------------------------------------------------------------

void Proxyd::handle(Client& client, const proxyd::Event& event) {
  for (const proxyd::Effect& effect : client.connection.on(event, world_.now())) {
    if (is_dying_) return;
    if (meets_its_end()) return die_next();
    std::visit([&](const auto& e) { perform(client, e); }, effect);
  }
}

// Does not die at once, because a caller still uses its client.
void Proxyd::die_next() {
  world_.trace("proxyd: falls silent");
  is_dying_ = true;
  world_.after(Micros{0}, [this, incarnation = incarnation_] {
    if (incarnation == incarnation_) die();
  });
}

void Proxyd::perform(Client& client, const proxyd::AskGate&) {
  auto query = client.connection.query();
  if (!query) return;
  auto* const waiting = std::get_if<proxyd::situation::Waiting>(&*query);
  if (waiting != nullptr && world_.broken == Break::Loss && is_watch_awaited()) {
    waiting->needs = bus::TreePoint{};
  }
  const Switchboard::Ruling ruling = switchboard_->judge(client.place, *query);
  perform(ruling.effects);
  const proxyd::Judged& judged = ruling.judgement;
  if (waiting != nullptr && judged.needs) note_needs(*client.request);
  const bool is_decided = waiting != nullptr && client.request->is_settled;
  if (is_decided && judged.decision == proxyd::Decision::Stay && !client.request->facts.is_safe &&
      client.connection.request()->knows_client_end()) {
    client.request->must_not_run = true;
  }
  const auto* const ended = std::get_if<proxyd::situation::Ended>(&*query);
  client.is_in_the_dark = ended != nullptr && ended->expired;
  handle(client, judged);
}

void Proxyd::perform(Client& client, const proxyd::ForwardRequest& effect) {
  switchboard_->forward(client.place);
  note_forward(client);
  client.head_is_sent = false;
  client.upstream = take_link(effect.fresh);
  client.upstream->client = client.number();
  if (client.is_open()) {
    send_request(client);
  } else {
    processes_.connect(client.upstream);
  }
}

void Proxyd::send_request(Client& client) {
  client.head_is_sent = true;
  client.request->was_sent = true;
  processes_.send_head(client.upstream, *client.request);
  handle(client, proxyd::UpstreamOpened{.reused = client.upstream->was_used});
}

void Proxyd::perform(Client& client, const proxyd::DropUpstream&) {
  if (!client.upstream) return;
  processes_.close(client.upstream);
  client.upstream.reset();
}

void Proxyd::perform(Client& client, const proxyd::ReleaseUpstream& effect) {
  LinkPointer link = std::move(client.upstream);
  client.upstream.reset();
  const bool is_clean = proxyd::is_clean({.has_ended = link->has_ended,
                                          .is_broken = link->is_broken,
                                          .has_input = !link->inbox.empty()});
  if (!effect.keeps_alive || !is_clean) return processes_.close(link);
  link->client = 0;
  link->was_used = true;
  link->idle = {.since = world_.now(), .body_may_follow = effect.body_may_follow};
  idle_.push_back(std::move(link));
}

void Proxyd::perform(Client& client, const proxyd::PassResponseHead& effect) {
  Request& request = *client.request;
  const Process* const process = client.upstream->process;
  if (request.must_be_fresh && process->version < request.version) {
    world_.violated(
        "STALE: request {} came when the files had version {}; generation {}, which answers, has "
        "read version {}",
        request.id, request.version, process->generation, process->version);
  }
  const bool is_interim = effect.facts.is_interim();
  if (!is_interim) {
    client.is_answering = true;
    client.process = process;
    ++world_.answers;
    world_.fresh_answers += request.must_be_fresh ? 1 : 0;
  }
  tell(client, {.is = is_interim ? ToClient::Is::Interim : ToClient::Is::Head,
                .request = &request,
                .status = effect.facts.status,
                .process = process,
                .closes = effect.delivery.closes});
}

// The effects that follow report the end.
void Proxyd::perform(Client&, const proxyd::EndResponse&) {}

void Proxyd::perform(Client& client, const proxyd::Answer& effect) {
  world_.trace("proxyd: answers client {} with {}", client.number(), effect.status);
  check_refusal(client, effect);
  Request* const request = effect.status == 408 ? nullptr : client.request;
  tell(client,
       {.is = ToClient::Is::Head, .request = request, .status = effect.status, .closes = true});
  tell(client, {.is = ToClient::Is::End,
                .request = request,
                .status = effect.status,
                .loads_again = effect.kind == proxyd::Answer::Kind::StillStarting});
}

void Proxyd::perform(Client& client, const proxyd::ReadNext&) {
  client.is_answering = false;
  check_complete(client);
  tell(client, {.is = ToClient::Is::End, .request = client.request});
  client.request = nullptr;
}

void Proxyd::perform(Client& client, const proxyd::FinishClient& effect) {
  if (std::exchange(client.is_answering, false)) {
    check_complete(client);
    tell(client, {.is = ToClient::Is::End, .request = client.request});
  }
  client.has_finished = true;
  client.farewell.begin(/*awaits_fin=*/effect.lingers);
  tell(client, {.is = ToClient::Is::Fin});
}

void Proxyd::perform(Client& client, const proxyd::CutClient&) {
  ++client.timer;
  check_cut(client);
  tell(client, {.is = ToClient::Is::Cut});
}

// A server that serves a few connections at a time must not wait for a new one while hpp keeps all
// others open.
LinkPointer Proxyd::take_link(bool fresh) {
  const std::size_t idle = idle_.size();
  auto link = proxyd::take_idle(
      idle_, fresh, world_.now(), [](const LinkPointer&) { return true; },
      [this](const LinkPointer& unfit) { processes_.close(unfit); });
  if (!link && idle > 0 && idle_.size() == idle) {
    world_.violated("a new connection is made, and each of {} idle ones stays open", idle);
  }
  return link ? *link : std::make_shared<Link>();
}

// ---- invariants ---------------------------------------------------------------------------------

// Records that the gate has decided how new the backend must be. The gate's decision itself is not
// used, because it may be wrong.
void Proxyd::note_needs(Request& request) {
  if (std::exchange(request.is_settled, true)) return;
  request.is_barred = is_strict();
  if (request.is_barred || !is_watch_awaited()) return;
  world_.violated("request {} waits for no answer, although the watch was lost {} us ago",
                  request.id, std::chrono::duration_cast<Micros>(world_.now() - *lost_at_).count());
}

// Records losses of the watch independently of the barrier. If the barrier had lapsed before the
// loss, requests do not wait for the watch.
void Proxyd::note_watch(const bus::TreeState& tree) {
  if (tree.watching) return lost_at_.reset();
  const bool is_loss = tree_ && tree_->watching && !switchboard_->barrier().has_lapsed();
  if (is_loss && world_.traits.barrier_is_on) lost_at_ = world_.now();
}

bool Proxyd::is_watch_awaited() const {
  return lost_at_ && world_.now() < *lost_at_ + kBarrierTimeout;
}

// With --break barrier the shell has no barrier, but is judged as if it had one.
bool Proxyd::is_strict() {
  if (world_.broken == Break::Barrier) return tree_ && tree_->watching;
  return switchboard_->barrier().is_strict();
}

void Proxyd::note_forward(Client& client) {
  Request& request = *client.request;

  world_.trace("proxyd: forwards request {} to generation {}", request.id,
               client.connection.request()->generation());
  if (request.must_not_run) {
    world_.violated("request {} is forwarded, although its client was gone while it waited",
                    request.id);
  }
  // During a pause, the answer says that it may be stale (X-Hpp-Paused).
  const bool is_declared_stale = bus::pause_word(*gate().backend()) == "stale";
  request.must_be_fresh = request.is_barred && is_strict() && !is_declared_stale;
  if (request.crashed != 0) {
    world_.violated(
        "request {} is forwarded again, although generation {} has crashed while it "
        "had it",
        request.id, request.crashed);
  }
  for (const auto& [number, other] : clients_) {
    if (!other->place.is_queued || other->place.arrival >= client.place.arrival) continue;
    if (other->connection.phase() != Phase::Held) continue;
    if (gate().judge(*other->connection.query(), switchboard_->barrier()).decision !=
        proxyd::Decision::Forward)
      continue;
    world_.violated("request {} overtakes request {}, which may go as well", request.id,
                    other->request->id);
  }
}

// Checks that no request waits although the gate would forward it.
void Proxyd::check_no_request_waits_in_vain() {
  for (const auto& [number, client] : clients_) {
    if (!client->place.is_queued) continue;
    const proxyd::Judgement judged =
        gate().judge(*client->connection.query(), switchboard_->barrier());
    if (judged.decision == proxyd::Decision::Stay) continue;
    world_.violated("request {} waits, although the gate says {}", client->request->id,
                    to_string(judged.decision));
  }
}

// Checks that a truncated answer is not passed on as a complete one. If the answer ends with its
// connection, proxyd can only detect the truncation if hpp has killed the backend.
void Proxyd::check_complete(const Client& client) {
  const bool is_tunnel = client.response.status == 101;
  const bool ends_by_close = is_tunnel || client.response.framing == Framing::UntilClose;
  const bool can_be_told = client.process->is_killed && !client.is_in_the_dark;
  if (client.request->is_all_sent || (ends_by_close && !can_be_told)) return;
  world_.violated("half an answer to request {} is passed on as a whole", client.request->id);
}

// Checks that a request that can be repeated, or was never sent, is not refused if only the backend
// fails, and that a request that was never sent is not blamed for a crash.
void Proxyd::check_refusal(const Client& client, const proxyd::Answer& answer) {
  if (client.request == nullptr || world_.broken != Break::Nothing) return;
  const bool is_good = is_plain_and_safe(*client.request);
  if (answer.kind == proxyd::Answer::Kind::Unrepeated && (is_good || !client.head_is_sent)) {
    world_.violated("request {} could have been repeated", client.request->id);
  }
  if (answer.was_sent && !client.request->was_sent) {
    world_.violated("request {} was never sent, and counts as the reason for a crash",
                    client.request->id);
  }
  if (!is_good) return;
  if (answer.kind == proxyd::Answer::Kind::BadGateway && world_.traits.is_calm()) {
    world_.violated("request {} gets a 502, and nothing was wrong", client.request->id);
  }
}

// Checks that a client gets an answer, unless it has reset its connection.
void Proxyd::check_cut(const Client& client) {
  const bool waits = client.request != nullptr && !client.is_answering && !client.has_reset &&
                     !client.has_finished;
  if (!waits) return;
  world_.violated("request {} gets no answer", client.request->id);
}

void Proxyd::check_barrier() {
  if (!switchboard_->barrier().has_lapsed() || world_.traits.may_lapse()) return;
  world_.violated("the barrier lapses, although watchd and Watchman are well");
}

}  // namespace hpp::sim
