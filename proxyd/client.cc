#include "proxyd/client.h"

#include <utility>

#include "common/os/error.h"
#include "common/os/limits.h"
#include "common/wall_clock.h"
#include "proxyd/core/failure_log.h"
#include "proxyd/core/http/validators.h"
#include "proxyd/core/pages/error_page.h"
#include "proxyd/head_reader.h"
#include "proxyd/nonce.h"

namespace hpp::proxyd {
namespace {

constexpr std::size_t kIdleReadersMax = 64;
// More bytes than this to write are written before others get their turn: they are in the
// processor's cache now.
constexpr std::size_t kMuch = 16 * 1024;

TimePoint now() {
  return std::chrono::steady_clock::now();
}

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
      peer_ip_(peer.ip()),
      peer_is_local_(peer.is_loopback()),
      exchange_(context.queue_timeout) {}

void Client::reconsider() {
  perform(AskGate{});
  work();
}

void Client::on_broken(int) {
  handle(ClientBroken{});
  work();
}

// Before a FIN there may be the rest of a request that is under way. Not where that is held: who
// waits for its turn need not wait to be told. And nobody waits for anything after a reset.
void Client::on_end_in_sight() {
  if (stream_.reset_in_sight()) {
    handle(ClientBroken{});
  } else if (exchange_.phase() == Exchange::Phase::Held) {
    tell_of_client_end();
  }
  work();
}

void Client::on_upstream_opened() {
  send_request();
  work();
}

void Client::on_upstream_broken() {
  // What came before it broke may still be on its way to the client.
  const bool has_more = upstream_->is_open() &&
                        (!upstream_->stream().input().empty() || upstream_->pump().holds_bytes());
  if (!has_more || exchange_.phase() != Exchange::Phase::Answering) {
    handle(upstream_lost(upstream_->connect_error()));
  }
  work();
}

// ---- progress -----------------------------------------------------------------------------------

// Does all that can be done now. What there is to write then waits for the end of the loop's turn,
// unless it is much: one system call per connection and turn, and those who read it are woken
// less often, for more, when all that has come is read before anything is written.
void Client::work() {
  advance_all();
  if (writes_much()) {
    settle_all();
  } else if (!is_closed() && !std::exchange(will_settle_, true)) {
    context_.loop.later([this] {
      will_settle_ = false;
      settle_all();
    });
  }
  stand_in_line();
}

void Client::advance_all() {
  while (advance()) {
  }
}

void Client::settle_all() {
  while (!is_closed() && settle()) advance_all();
  stand_in_line();
}

bool Client::writes_much() const {
  const auto is_much = [](const Stream& stream) { return stream.output().size() > kMuch; };
  return is_much(stream_) || (upstream_ && upstream_->is_open() && is_much(upstream_->stream()));
}

void Client::stand_in_line() {
  context_.switchboard.set_waiting(place_, exchange_.phase() == Exchange::Phase::Held);
}

// One step. False: nothing to do until the next wake-up.
bool Client::advance() {
  switch (exchange_.phase()) {
    case Exchange::Phase::Reading:
      return read_request();
    case Exchange::Phase::Held:
    case Exchange::Phase::Doubtful:
      return tell_of_client_end();
    case Exchange::Phase::Sent:
      return pump_request() || read_response() || tell_of_client_end();
    case Exchange::Phase::Answering:
      return pump_request() || pump_response() || tell_of_client_end();
    case Exchange::Phase::Ending:
      return false;
    case Exchange::Phase::Tunnel:
      pump_tunnel();
      return false;
    case Exchange::Phase::Finishing:
      drain_finishing();
      return false;
    case Exchange::Phase::Closed:
      return false;
  }
  return false;
}

bool Client::read_request() {
  // Each head that is read brings an answer: none is read while the client does not read those it
  // has got.
  if (stream_.output().size() >= kOutputMax) return false;
  Buffer& input = stream_.input();
  if (!request_ && find_request(input)) begin_request();
  const HeadResult result = request_ ? read_head(request_->parser, input) : NeedMore{};
  if (std::holds_alternative<NeedMore>(result)) {
    if (stream_.input_ended()) {
      handle(ClientEnded{});
      return true;
    }
    if (request_) handle(RequestBegun{.facts = facts_of_refused(input.front())});
    return false;
  }
  if (const auto* refused = std::get_if<Refused>(&result)) {
    handle(RequestRefused{
        .status = refused->status, .why = refused->why, .facts = facts_of_refused(input.front())});
    return true;
  }
  const RequestHead& head = request_->parser.head();
  const auto judged = judge_request(head);
  if (const auto* refused = std::get_if<Refused>(&judged)) {
    handle(RequestRefused{
        .status = refused->status, .why = refused->why, .facts = facts_of_refused(head)});
    return true;
  }
  const auto& facts = std::get<RequestFacts>(judged);
  const auto own = judge_own(head, facts, peer_is_local_, context_.bind);
  if (const auto* refused = std::get_if<Refused>(&own)) {
    handle(RequestRefused{.status = refused->status, .why = refused->why, .facts = facts});
    return true;
  }
  if (context_.injects) {
    const bool gets_script = may_ask_own(head, peer_is_local_, context_.bind);
    request_->page = gets_script ? navigated_page(head) : std::nullopt;
  }
  request_->head =
      request_->page ? write_request_head(asking_for_plain(head), facts, peer_ip_, context_.backend)
                     : write_request_head(head, facts, peer_ip_, context_.backend);
  input.drain(std::get<HeadRead>(result).size);
  request_->body.begin(facts.framing, facts.length, /*keep_framing=*/true);
  RequestArrived arrived{.facts = facts, .own = {}};
  if (const auto* asked = std::get_if<OwnRequest>(&own)) arrived.own = *asked;
  const bool is_judged = !arrived.own || waits_at_gate(arrived.own->endpoint);
  context_.perform(context_.switchboard.arrive(place_, is_judged, now()));
  arrived.ticket = place_.ticket;
  handle(arrived);
  return true;
}

bool Client::pump_request() {
  const bool all_given = request_->body.is_over() && !request_->pump.is_on_shortcut();
  if (all_given || !upstream_ || !upstream_->is_open()) return false;
  switch (request_->pump.pump(stream_, upstream_->stream(), request_->body,
                              Delivery::Coding::AsItCame)) {
    case Pumped::MayGoOn:
      return false;
    case Pumped::Over:
      handle(RequestBodyEnded{});
      return true;
    case Pumped::Broken:
      handle(RequestBodyBroken{.why = request_->body.error()});
      return true;
  }
  return false;
}

bool Client::read_response() {
  // Heads wait, like bodies, until the client reads what it has got. Interim answers do, too.
  if (stream_.output().size() >= kOutputMax) return false;
  if (!upstream_ || !upstream_->is_open()) return false;
  Stream& from = upstream_->stream();
  const HeadResult result = read_head(upstream_->parser(), from.input());
  if (std::holds_alternative<NeedMore>(result)) {
    if (!from.input_ended()) return false;
    handle(UpstreamLost{});
    return true;
  }
  if (const auto* refused = std::get_if<Refused>(&result)) {
    handle(ResponseRefused{.why = refused->why});
    return true;
  }
  const auto judged = judge_response(upstream_->parser().head(), exchange_.request());
  if (const auto* refused = std::get_if<Refused>(&judged)) {
    handle(ResponseRefused{.why = refused->why});
    return true;
  }
  const ResponseFacts facts = std::get<ResponseFacts>(judged);
  note_defects(facts.defects);
  const std::size_t size = std::get<HeadRead>(result).size;
  handle(ResponseArrived{.facts = facts, .size = size, .body_begun = from.input().size() > size});
  // An answer of ours may have taken its place; the connection is gone then.
  if (!upstream_) return true;
  if (exchange_.keeps_head()) return await_body(facts);
  from.input().drain(size);
  if (facts.is_interim()) {
    upstream_->parser().start();
  } else {
    const bool keep_framing = coding_ != Delivery::Coding::Dechunk && !request_->tag_pump;
    upstream_->body().begin(facts.framing, facts.length, keep_framing);
  }
  return true;
}

// The head is kept back, and stays in the input.
bool Client::await_body(const ResponseFacts& facts) {
  Stream& from = upstream_->stream();
  if (!from.input_ended()) {
    // Nagle's algorithm holds the body back until the head is acknowledged, which takes 40 ms if
    // the kernel waits for data to send the ACK along with.
    from.acknowledge_now();
    upstream_->parser().start();
    return false;
  }
  if (facts.framing == Framing::UntilClose) {
    handle(ResponseEndedByClose{.ticket = begin_check()});
  } else {
    handle(UpstreamLost{});
  }
  return true;
}

bool Client::pump_response() {
  Stream& from = upstream_->stream();
  ResponseBody& body = upstream_->body();
  const Pumped pumped = move_response();
  note_defects(upstream_->parser().chunk_defects());
  switch (pumped) {
    case Pumped::MayGoOn:
      break;
    case Pumped::Over:
      handle(ResponseBodyEnded{});
      return true;
    case Pumped::Broken:
      handle(ResponseRefused{.why = body.error()});
      return true;
  }
  // Where the client has room, what is left is the piece of a chunk line that never came whole.
  const bool is_full = stream_.output().size() >= kOutputMax || upstream_->pump().holds_bytes();
  if (is_full || !(from.input_ended() || from.is_broken())) return false;
  if (from.is_broken() || !body.ended_by_close()) {
    handle(UpstreamLost{});
    return true;
  }
  handle(ResponseEndedByClose{.ticket = begin_check()});
  return true;
}

Pumped Client::move_response() {
  Stream& from = upstream_->stream();
  ResponseBody& body = upstream_->body();
  if (auto& tag_pump = request_->tag_pump) {
    const Pumped pumped = tag_pump->pump(from.input(), stream_.output(), body);
    if (tag_pump->is_utf16()) report_obstacle(utf16_obstacle());
    if (!tag_pump->is_done()) return pumped;
    tag_pump.reset();
  }
  return upstream_->pump().pump(from, stream_, body, coding_);
}

// The FIN comes after all that was sent before it: a body that still has room to go is no
// truncated one.
bool Client::tell_of_client_end() {
  const bool is_held = exchange_.phase() == Exchange::Phase::Held;
  if (end_told_ || !(stream_.input_ended() || (is_held && stream_.end_in_sight()))) return false;
  if (!is_held && body_may_go_on()) return false;
  end_told_ = true;
  handle(ClientEnded{});
  return true;
}

// Whether bytes of the request's body are here that the backend can still be given. The piece of a
// chunk line at the end of a connection is none.
bool Client::body_may_go_on() const {
  if (request_->pump.holds_bytes()) return true;
  if (request_->body.is_over() || stream_.input().empty()) return false;
  return !upstream_ || !upstream_->is_open() || upstream_->stream().output().size() >= kOutputMax;
}

void Client::pump_tunnel() {
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
  if (over) handle(TunnelEnded{});
}

void Client::drain_finishing() {
  // A close with something unread would be a reset.
  if (!lingers_ && stream_.output_done()) stream_.read_now();
  const bool has_sent = !stream_.input().empty();
  stream_.input().drain(stream_.input().size());
  const bool is_written = stream_.output_done();
  const bool may_close = stream_.input_ended() || (!lingers_ && stream_.all_is_read());
  if (is_written && may_close) return close();
  const TimePoint closes_at = farewell_.closes_at(is_written, has_sent, now());
  if (std::exchange(closes_at_, closes_at) == closes_at) return;
  expire_after(std::chrono::duration_cast<std::chrono::microseconds>(closes_at - now()));
}

// Writes, and sets up what is to wake us. True: a buffer that was full has room again.
bool Client::settle() {
  bool has_room_again = false;
  const auto flush = [&](Stream& stream) {
    const bool was_full = stream.output().size() >= kOutputMax;
    stream.flush();
    if (was_full && stream.output().size() < kOutputMax) has_room_again = true;
    stream.read_while(stream.input().size() < kInputMax);
  };
  if (upstream_ && upstream_->is_open()) flush(upstream_->stream());
  flush(stream_);
  if (exchange_.phase() == Exchange::Phase::Finishing) return has_room_again;
  set_timer();
  if (!request_) rest();
  return has_room_again;
}

// Between requests a connection keeps next to nothing: thousands may be idle. Only an outdated one
// has a timer.
void Client::rest() {
  if (stream_.input().empty()) stream_.input().release();
  if (stream_.output_done()) stream_.output().release();
  if (timer_ && !exchange_.wake_at()) context_.loop.bury(std::move(timer_));
}

void Client::set_timer() {
  if (const auto wake_at = exchange_.wake_at()) {
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
  if (exchange_.phase() == Exchange::Phase::Finishing) return close();
  if (!exchange_.is_due(now())) return work();
  // The news that is waited for may have come while the callbacks of this turn ran.
  context_.read_bus();
  if (is_closed()) return;
  handle(TimerExpired{.answer_flows = answer_flows(), .request_comes = request_comes()});
  work();
}

// Whether there is a request that has not been read yet: it must not meet a closed connection.
bool Client::request_comes() {
  if (exchange_.phase() != Exchange::Phase::Reading || request_) return false;
  stream_.read_now();
  return find_request(stream_.input());
}

// Since the last time that this was asked, or ever.
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
  request_->answered = 0;
}

// Whether the end of the answer was a kill: supervisord is to say.
std::uint64_t Client::begin_check() {
  context_.perform(context_.switchboard.check());
  return context_.switchboard.newest_check();
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
  for (const Effect& effect : exchange_.on(event, now())) {
    std::visit([this](const auto& e) { perform(e); }, effect);
  }
}

void Client::perform(const AskGate&) {
  if (const auto plea = exchange_.plea()) handle(context_.switchboard.judge(place_, *plea));
}

void Client::perform(const ForwardRequest& effect) {
  context_.switchboard.forward(place_);
  const auto& tree = context_.gate().tree();
  request_->refresh = tree ? std::optional(tree->refresh_point()) : std::nullopt;
  request_->forwarded_at_ms = wall_ms();
  if (is_date_doubtful(context_.switchboard.changed_at(), now() - exchange_.held())) {
    remove_date_condition(request_->head);
  }
  upstream_ = context_.pool.take(effect.fresh, this);
  if (upstream_->is_open()) send_request();
}

void Client::send_request() {
  upstream_->parser().start();
  upstream_->stream().output().append(request_->head);
  handle(UpstreamOpened{.reused = upstream_->was_used()});
}

void Client::perform(const DropUpstream&) {
  request_->pump.abandon(stream_);
  if (upstream_) context_.pool.drop(std::move(upstream_));
}

void Client::perform(const ReleaseUpstream& effect) {
  context_.pool.put_back(std::move(upstream_), effect);
}

void Client::perform(const PassResponseHead& effect) {
  coding_ = effect.delivery.coding;
  ends_by_close_ = effect.ends_by_close;
  if (ends_by_close_) stream_.reset_unless_finished();
  if (context_.history.awaits_answer(exchange_.generation())) {
    context_.history.answered(exchange_.generation(), wall_ms());
  }
  std::optional<Provenance> provenance;
  if (context_.gate().is_supervised()) {
    provenance = {.generation = exchange_.generation(),
                  .refresh = request_->refresh,
                  .held = std::chrono::duration_cast<std::chrono::microseconds>(exchange_.held())};
  }
  const auto append = [&](const ResponseHead& head) {
    stream_.output().append(
        write_response_head(head, effect.facts, exchange_.request(), effect.delivery, provenance));
  };
  const ResponseHead& head = upstream_->parser().head();
  const bool loses_date =
      context_.gate().is_supervised() && has_weak_date(head, request_->forwarded_at_ms);
  const std::string tag = request_->page ? tag_for(effect.facts) : std::string();
  const auto pass = [&](const ResponseHead& passed) {
    loses_date ? append(without_date(passed)) : append(passed);
  };
  if (tag.empty()) {
    const bool varies = request_->page && replaces_vary(head, effect.facts);
    return varies ? pass(varying(head)) : pass(head);
  }
  const TaggedHead tagged(head, effect.facts, tag.size());
  pass(tagged.get());
  request_->tag_pump.emplace(tag, effect.facts.framing, coding_);
}

// Empty: this answer goes without.
std::string Client::tag_for(const ResponseFacts& facts) {
  Injection injection = judge_injection(*request_->page, upstream_->parser().head(), facts);
  if (injection.obstacle) report_obstacle(*injection.obstacle);
  return std::move(injection.tag);
}

// Each kind of obstacle is worth one line.
void Client::report_obstacle(const Obstacle& obstacle) {
  const auto kind = static_cast<std::size_t>(obstacle.kind);
  if (context_.obstacles_told[kind]) return;
  context_.obstacles_told.set(kind);
  log::warning("--inject: {} ({})", obstacle.text, shown_request());
}

// Each kind of defect is worth one line.
void Client::note_defects(const Defects& defects) {
  if (defects.none()) return;
  const std::string request = shown_request();
  for (const Defect defect : context_.defects.add(defects, request, exchange_.generation())) {
    log::warning("{}. hpp corrects that; other programs may not. First seen in the answer to {}",
                 describe(defect), request);
  }
}

void Client::perform(const EndResponse&) {
  if (request_->tag_pump) request_->tag_pump->finish(stream_.output());
  request_->tag_pump.reset();
  if (coding_ == Delivery::Coding::Chunk) append_last_chunk(stream_.output());
}

// Before its head is complete, a request is what has come of it.
std::string Client::shown_request() {
  const bool has_head = request_ && !request_->head.empty();
  return proxyd::shown_request(has_head ? request_->head : stream_.input().front());
}

void Client::perform(const Answer& effect) {
  if (const auto line = failure_line(shown_request(), effect)) {
    context_.report(effect.status >= 500 ? log::Level::Warning : log::Level::Info, *line);
  }
  bus::BackendState backend;
  if (context_.gate().is_supervised()) backend = context_.gate().backend().value_or(backend);
  const Audience audience{.may_see_output = peer_is_local_ || context_.expose_errors,
                          .now_ms = wall_ms(),
                          .nonce = random_nonce()};
  write_own(error_answer(effect, exchange_.request(), backend, audience), audience.now_ms);
}

void Client::perform(const AnswerOwn& effect) {
  write_own(context_.answer_endpoint(effect.endpoint, exchange_.request()), wall_ms());
}

void Client::write_own(const OwnAnswer& answer, std::int64_t now_ms) {
  stream_.output().append(proxyd::write_own(answer, exchange_.request().is_head, now_ms));
}

void Client::perform(const HandOver& effect) {
  if (timer_) timer_->stop();
  context_.hand_over(*this, stream_, effect.websocket_key);
}

void Client::perform(const ReadNext&) {
  end_request();
  end_told_ = false;  // what it means differs from request to request
}

void Client::perform(const FinishClient& effect) {
  lingers_ = effect.lingers;
  if (lingers_ || ends_by_close_) {
    stream_.finish_output();
  } else {
    stream_.flush();
  }
}

void Client::perform(const CutClient& effect) {
  if (!effect.why.empty()) {
    context_.report(log::Level::Warning, failure_line(shown_request(), effect));
  }
  if (timer_) timer_->stop();
  stream_.flush();
  // What a slow client has not taken by now is lost, and it is to know.
  if (effect.reset || !stream_.output_done()) stream_.reset_on_close();
  context_.on_closed(*this);
}

}  // namespace hpp::proxyd
