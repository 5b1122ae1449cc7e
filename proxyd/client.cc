#include "proxyd/client.h"

#include <utility>

#include "common/clock.h"
#include "common/os/error.h"
#include "common/os/limits.h"
#include "proxyd/core/editor.h"
#include "proxyd/core/failure_log.h"
#include "proxyd/core/http/validators.h"
#include "proxyd/core/pages/error_page.h"
#include "proxyd/core/passage.h"
#include "proxyd/head_reader.h"
#include "proxyd/nonce.h"

namespace hpp::proxyd {
namespace {

constexpr std::size_t kIdleReadersMax = 64;
// More output than this is written before the other connections get their turn, because it is still
// in the processor's cache.
constexpr std::size_t kMuch = 16 * 1024;

UpstreamLost upstream_lost(int connect_error) {
  if (connect_error == 0) return {};
  std::string shortage = shortage_text(connect_error);
  if (!shortage.empty()) return {.why = std::move(shortage), .is_short = true};
  return {.why = error_text(connect_error)};
}

}  // namespace

Client::Client(ClientContext& context, Switchboard::Place& place, UniqueFd connection,
               const SocketAddress& peer)
    : context_(context),
      place_(place),
      stream_(context.loop, std::move(connection), *this),
      downstream_(stream_),
      peer_{.ip = peer.ip(), .is_local = peer.is_loopback()},
      connection_(context.queue_timeout) {}

void Client::reconsider() {
  perform(AskGate{});
  work();
}

void Client::on_broken(int) {
  handle(ClientBroken{});
  work();
}

// Before the FIN, there may be unread bytes of the current request's body, which must be forwarded
// first. But a held request leaves the queue at once. After a reset, the client expects nothing.
void Client::on_end_in_sight() {
  if (stream_.reset_in_sight()) {
    handle(ClientBroken{});
  } else if (connection_.phase() == Phase::Held) {
    report_client_end(look());
  }
  work();
}

void Client::on_upstream_opened() {
  send_request();
  work();
}

void Client::on_upstream_broken() {
  report(backend_broken(connection_, look(), upstream_lost(upstream_->connect_error())));
  work();
}

// ---- progress -----------------------------------------------------------------------------------

// Does everything that can be done now. A small output is written at the end of the loop's turn.
// Then each connection needs only one system call for it per turn, and its reader wakes up less
// often, because all input of the turn has been read by then.
void Client::work() {
  advance();
  if (writes_much()) {
    flush_all();
  } else if (!is_closed() && !std::exchange(will_flush_, true)) {
    context_.loop.later([this] {
      will_flush_ = false;
      flush_all();
    });
  }
  update_queue();
}

void Client::advance() {
  while (try_steps(connection_.phase(), *this)) {
  }
}

void Client::flush_all() {
  while (!is_closed() && flush()) advance();
  update_queue();
}

bool Client::writes_much() const {
  const auto is_much = [](const Stream& stream) { return stream.output().size() > kMuch; };
  return is_much(stream_) || (upstream_ && upstream_->is_open() && is_much(upstream_->stream()));
}

void Client::update_queue() {
  context_.switchboard.set_waiting(place_, connection_.phase() == Phase::Held);
}

Wires Client::look() const {
  Wires wires{.client_has_input = !stream_.input().empty(),
              .client_ended = stream_.input_ended(),
              .client_end_in_sight = stream_.end_in_sight(),
              .client_is_full = stream_.output().size() >= kOutputMax};
  if (request_) {
    wires.request_is_over = request_->body.is_over() && !request_->pump.is_on_shortcut();
    wires.request_is_held = request_->pump.holds_bytes();
  }
  if (!upstream_ || !upstream_->is_open()) return wires;
  const Stream& backend = upstream_->stream();
  wires.backend_is_open = true;
  wires.backend_has_input = !backend.input().empty();
  wires.backend_ended = backend.input_ended();
  wires.backend_is_broken = backend.is_broken();
  wires.backend_is_full = backend.output().size() >= kOutputMax;
  wires.response_is_held = upstream_->pump().holds_bytes();
  wires.response_may_close = upstream_->body().may_end_by_close();
  return wires;
}

// Reports the event to the connection, and returns whether there is one.
bool Client::report(const std::optional<Event>& event) {
  if (event) handle(*event);
  return event.has_value();
}

bool Client::read_request(const Wires& wires) {
  Buffer& input = stream_.input();
  if (!request_ && find_request(input)) begin_request();
  const HeadResult result = request_ ? read_head(request_->parser, input) : NeedMore{};
  if (!std::holds_alternative<HeadRead>(result)) {
    const auto event =
        request_head_missing(result, request_ ? input.front() : std::string_view(), wires);
    report(event);
    return event && !std::holds_alternative<RequestBegun>(*event);
  }
  auto taken = take_in(request_->parser.head(), peer_, context_.intake, target().host);
  if (const auto* refused = std::get_if<RequestRefused>(&taken)) {
    give_notice(refused->notice);
    handle(*refused);
    return true;
  }
  auto& intake = std::get<Intake>(taken);
  give_notice(intake.notice);
  request_->head = std::move(intake.head);
  request_->page = std::move(intake.page);
  request_->has_variants = intake.has_variants;
  const std::size_t size = std::get<HeadRead>(result).size;
  const TimePoint arrived_at = now();
  if (!intake.own) {
    request_->record = context_.records.begin(input.front().substr(0, size), arrived_at);
  }
  input.drain(size);
  request_->body.begin(intake.facts.framing, intake.facts.length, /*keep_framing=*/true);
  const auto idle = intake.is_judged() ? context_.look_at_queues() : std::nullopt;
  context_.perform(
      context_.switchboard.arrive(place_, target(), intake.is_judged(), arrived_at, idle));
  handle(
      RequestArrived{.facts = intake.facts, .ticket = place_.ticket, .own = std::move(intake.own)});
  return true;
}

bool Client::pump_request() {
  const Pumped pumped =
      request_->pump.pump(stream_, upstream_->stream(), request_->body, Delivery::Coding::AsItCame,
                          context_.records.body_of(request_->record));
  return report(request_pumped(pumped, request_->body.error()));
}

bool Client::read_response(const Wires& wires) {
  Stream& from = upstream_->stream();
  const HeadResult result = read_head(upstream_->parser(), from.input());
  const auto event = response_head_read(result, upstream_->parser().head(), connection_.facts(),
                                        from.input().size(), wires);
  const auto* const arrived = event ? std::get_if<ResponseArrived>(&*event) : nullptr;
  if (arrived == nullptr) return report(event);
  const ResponseFacts& facts = arrived->facts;
  note_defects(facts.defects);
  if (!facts.is_interim()) {
    context_.records.answered(request_->record, from.input().front().substr(0, arrived->size),
                              facts);
  }
  handle(*event);
  // The connection may have sent an answer of hpp's own instead. Then it has dropped the
  // connection.
  if (!upstream_) return true;
  if (connection_.keeps_head()) return await_body(facts, wires);
  from.input().drain(arrived->size);
  if (facts.is_interim()) {
    upstream_->parser().start();
  } else {
    upstream_->body().begin(facts.framing, facts.length, downstream_.keeps_framing());
  }
  return true;
}

// Waits for the body of an answer whose head is kept back. The head stays in the input.
bool Client::await_body(const ResponseFacts& facts, const Wires& wires) {
  if (report(response_kept(facts, wires))) return true;
  // Nagle's algorithm holds the body back until the head is acknowledged, which takes 40 ms if the
  // kernel waits for data to send the ACK along with.
  upstream_->stream().acknowledge_now();
  upstream_->parser().start();
  return false;
}

bool Client::pump_response() {
  const Pumped pumped =
      downstream_.pump_body(upstream_->stream(), upstream_->body(), upstream_->pump(),
                            context_.records.answer_body_of(request_->record));
  if (downstream_.is_utf16()) report_obstacle(utf16_obstacle());
  note_defects(upstream_->parser().chunk_defects());
  return report(response_pumped(pumped, upstream_->body().error(), look()));
}

bool Client::pump_tunnel() {
  Stream& backend = upstream_->stream();
  const auto pass = [](Stream& from, Stream& to) {
    if (to.output().size() < kOutputMax) from.input().move_to(to.output(), from.input().size());
    if (from.input_ended() && from.input().empty()) to.finish_output();
  };
  // The backend may have switched protocols before it has read the body of the request.
  if (request_->pump.leave_shortcut(stream_, backend)) pass(stream_, backend);
  pass(backend, stream_);
  const bool over = stream_.input_ended() && backend.input_ended() && stream_.output_done() &&
                    backend.output_done() && stream_.input().empty() && backend.input().empty() &&
                    !request_->pump.holds_bytes();
  return report(over ? std::optional<Event>(TunnelEnded{}) : std::nullopt);
}

bool Client::report_client_end(const Wires& wires) {
  return report(client_ended(connection_, wires));
}

bool Client::drain() {
  // Closing a socket with unread bytes would send a reset, so look for unread bytes.
  if (!farewell_.awaits_fin() && stream_.output_done()) stream_.read_now();
  const bool has_sent = !stream_.input().empty();
  stream_.input().drain(stream_.input().size());
  const auto closes_at = farewell_.closes_at({.is_written = stream_.output_done(),
                                              .has_sent = has_sent,
                                              .client_ended = stream_.input_ended(),
                                              .all_is_read = stream_.all_is_read()},
                                             now());
  if (!closes_at) {
    close();
  } else if (std::exchange(closes_at_, *closes_at) != *closes_at) {
    expire_after(std::chrono::duration_cast<std::chrono::microseconds>(*closes_at - now()));
  }
  return false;
}

// Writes the output, and sets up reading and the timer. Returns whether a full output buffer has
// room again.
bool Client::flush() {
  bool has_room_again = false;
  const auto flush_stream = [&](Stream& stream) {
    const bool was_full = stream.output().size() >= kOutputMax;
    stream.flush();
    if (was_full && stream.output().size() < kOutputMax) has_room_again = true;
    stream.read_while(stream.input().size() < kInputMax);
  };
  if (upstream_ && upstream_->is_open()) flush_stream(upstream_->stream());
  flush_stream(stream_);
  if (connection_.phase() == Phase::Finishing) return has_room_again;
  set_timer();
  if (!request_) release_idle_memory();
  return has_room_again;
}

// Frees the memory that is not needed between requests, because thousands of connections may be
// idle. Only an outdated connection keeps its timer.
void Client::release_idle_memory() {
  if (stream_.input().empty()) stream_.input().release();
  if (stream_.output_done()) stream_.output().release();
  if (timer_ && !connection_.wake_at()) context_.loop.bury(std::move(timer_));
}

void Client::set_timer() {
  if (const auto wake_at = connection_.wake_at()) {
    expire_after(std::chrono::duration_cast<std::chrono::microseconds>(*wake_at - now()));
  } else if (timer_) {
    timer_->stop();
  }
}

void Client::expire_after(std::chrono::microseconds delay) {
  if (!timer_) {
    timer_ = std::make_unique<Timer>(context_.loop, [this] { on_expired(); });
  }
  timer_->start(delay);
}

void Client::on_expired() {
  if (connection_.phase() == Phase::Finishing) return close();
  if (!connection_.is_due(now())) return work();
  // The report that the connection waits for may have arrived during the callbacks of this turn.
  context_.read_bus();
  if (is_closed()) return;
  handle(TimerExpired{.answer_flows = answer_flows(), .request_comes = request_comes()});
  work();
}

// Whether a request has arrived that was not read yet. The idle connection must not be closed then.
bool Client::request_comes() {
  if (connection_.phase() != Phase::Reading || request_) return false;
  stream_.read_now();
  return find_request(stream_.input());
}

// Whether bytes of the answer have moved since the previous call (or since the request began), or
// are still waiting to be written.
bool Client::answer_flows() {
  if (!upstream_ || !upstream_->is_open()) return false;
  const std::uint64_t passed = upstream_->body().passed();
  return std::exchange(request_->answered, passed) != passed || !stream_.output_done() ||
         upstream_->pump().holds_bytes();
}

void Client::begin_request() {
  auto& idle = context_.idle_readers;
  if (idle.empty()) {
    request_ = std::make_unique<RequestReader>(context_.pipes);
  } else {
    request_ = std::move(idle.back());
    idle.pop_back();
  }
  request_->parser.start();
  request_->head.clear();
  request_->record = 0;
  request_->answered = 0;
}

void Client::end_request() {
  if (context_.idle_readers.size() < kIdleReadersMax) {
    context_.idle_readers.push_back(std::move(request_));
  }
  request_.reset();
}

void Client::close() {
  if (!is_closed()) handle(ClientBroken{});
}

// ---- effects ------------------------------------------------------------------------------------

void Client::handle(const Event& event) {
  for (const Effect& effect : connection_.on(event, now())) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Client::perform(const AskGate&) {
  const auto query = connection_.query();
  if (!query) return;
  const Switchboard::Ruling ruling = context_.switchboard.judge(place_, *query);
  context_.perform(ruling.effects);
  handle(ruling.judgement);
}

void Client::perform(const ForwardRequest& effect) {
  context_.switchboard.forward(place_);
  const auto held = connection_.request()->held();
  const auto& tree = context_.switchboard.barrier().tree();
  request_->provenance = {.generation = connection_.request()->generation(),
                          .refresh = tree ? std::optional(tree->refresh_point()) : std::nullopt,
                          .held = std::chrono::duration_cast<std::chrono::microseconds>(held),
                          .paused = bus::pause_word(*target().gate.backend()),
                          .lag_ms = tree ? tree->lag_ms : 0};
  request_->forwarded_at_ms = wall_ms();
  context_.records.forwarded(request_->record, request_->provenance.generation, held);
  if (is_date_unreliable(context_.switchboard.changed_at(), connection_.request()->arrived_at())) {
    remove_date_condition(request_->head);
  }
  upstream_ = target().pool.take(effect.fresh, this);
  if (upstream_->is_open()) send_request();
}

void Client::send_request() {
  upstream_->parser().start();
  upstream_->stream().output().append(request_->head);
  handle(UpstreamOpened{.reused = upstream_->was_used()});
}

void Client::perform(const DropUpstream&) {
  request_->pump.abandon(stream_);
  if (upstream_) target().pool.drop(std::move(upstream_));
}

void Client::perform(const ReleaseUpstream& effect) {
  target().pool.put_back(std::move(upstream_), effect);
}

void Client::perform(const PassResponseHead& effect) {
  const std::uint64_t generation = request_->provenance.generation;
  if (target().history.awaits_answer(generation)) target().history.answered(generation, wall_ms());
  Asked asked{.page = request_->page,
              .has_variants = request_->has_variants,
              .forwarded_at_ms = request_->forwarded_at_ms};
  if (target().gate.is_supervised()) asked.provenance = request_->provenance;
  const Passage passage = pass_on(upstream_->parser().head(), effect, connection_.facts(), asked);
  if (passage.obstacle) report_obstacle(*passage.obstacle);
  downstream_.pass_head(passage.head, effect, passage.tag);
}

// Logs the obstacle, but each kind of obstacle only once.
void Client::report_obstacle(const Obstacle& obstacle) {
  const auto kind = static_cast<std::size_t>(obstacle.kind);
  if (context_.logged_obstacles[kind]) return;
  context_.logged_obstacles.set(kind);
  log::warning("--inject: {} ({})", obstacle.text, shown_request());
}

void Client::give_notice(const std::optional<Notice>& notice) {
  if (notice && context_.notices.admit(*notice)) log::warning("{}", notice->text);
}

// Records the defects. DefectRecord::add() returns those that were not logged before.
void Client::note_defects(const Defects& defects) {
  if (defects.none()) return;
  const std::string request = shown_request();
  for (const Defect defect :
       target().defects.add(defects, request, request_->provenance.generation)) {
    log::warning("{}. hpp corrects that; other programs may not. First seen in the answer to {}",
                 describe(defect), request);
  }
}

// Records how the request has ended. Only the first call for a request counts.
void Client::end_record(RequestRecord::End end, int status) {
  if (request_) context_.records.ended(request_->record, end, now(), status);
}

void Client::perform(const EndResponse&) {
  downstream_.end_body();
}

// Returns the request as the log shows it. If its head is incomplete, uses the part that has come.
std::string Client::shown_request() {
  const bool has_head = request_ && !request_->head.empty();
  return proxyd::shown_request(has_head ? request_->head : stream_.input().front());
}

void Client::perform(const Answer& effect) {
  end_record(RequestRecord::End::Own, effect.status);
  Answer answer = effect;
  if (const auto line = failure_line(shown_request(), effect)) {
    context_.report(effect.status >= 500 ? log::Level::Warning : log::Level::Info, *line);
  }
  bus::BackendState backend;
  if (target().gate.is_supervised()) backend = target().gate.backend().value_or(backend);
  if (effect.kind == Answer::Kind::Crashed) {
    if (effect.was_sent) context_.on_crash(backend.generation, shown_request());
    answer.why = target().crash_requests.text(backend.generation);
  }
  const RequestFacts& request = connection_.facts();
  const Audience audience{.may_see_output = request.may_see_errors || context_.expose_errors,
                          .now_ms = wall_ms(),
                          .nonce = random_nonce(),
                          .editor = request.is_from_here ? context_.editor_target(backend) : ""};
  downstream_.write(error_answer(answer, request, backend, audience), request.is_head,
                    audience.now_ms);
}

void Client::perform(const AnswerOwn& effect) {
  const RequestFacts& request = connection_.facts();
  downstream_.write(context_.answer_endpoint(effect, request), request.is_head, wall_ms());
}

void Client::perform(const HandOver& effect) {
  if (timer_) timer_->stop();
  context_.hand_over(*this, stream_, effect);
}

void Client::perform(const ReadNext&) {
  end_record(RequestRecord::End::Completed);
  end_request();
}

void Client::perform(const FinishClient& effect) {
  end_record(RequestRecord::End::Completed);
  farewell_.begin(/*awaits_fin=*/effect.lingers);
  downstream_.finish(effect.lingers);
}

void Client::perform(const CutClient& effect) {
  end_record(RequestRecord::End::Cut);
  if (!effect.why.empty()) {
    context_.report(log::Level::Warning, failure_line(shown_request(), effect));
  }
  if (timer_) timer_->stop();
  stream_.flush();
  // If a slow client has not taken all output, the rest is lost. A reset makes the client notice.
  if (effect.reset || !stream_.output_done()) stream_.reset_on_close();
  context_.on_closed(*this);
}

}  // namespace hpp::proxyd
