// Fuzzes a whole client connection: connection, steps, switchboard, parsers and framers together.
// They are driven as in proxyd/client.cc, but with strings in place of sockets.
//
// The input is a script. Each character of its first line is a step:
//
//   c<n>  the client sends n bytes (n is the code of the next character)
//   C     the client sends all its remaining bytes
//   b<n>  the backend sends n bytes, on the connection in use or else on the one used last
//   B     the backend sends all its remaining bytes
//   f x   the client sends a FIN (f) or a reset (x)
//   F X   the backend sends a FIN (F) or a reset (X)
//   o p   a connection to the backend is made (o) or cannot be made (p)
//   w W   the client (w) or the backend (W) stops reading, or starts again
//   l     on the bus: a new generation is Loading
//   r k e on the bus: the newest generation is Running (r), Killing (k), Error (e)
//   R     on the bus: a new generation is Running at once
//   t     on the bus: the tree has changed
//   , ;   100 ms (,) or 2 s (;) pass
//   .     time passes until the timer expires
//
// The other lines are the client's bytes and then the backend's bytes on its first, second, …
// connection. A line `===` separates them.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxyd/core/connection.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/http/rewrite.h"
#include "proxyd/core/intake.h"
#include "proxyd/core/pages/error_page.h"
#include "proxyd/core/pages/own_pages.h"
#include "proxyd/core/reuse.h"
#include "proxyd/core/steps.h"
#include "proxyd/core/switchboard.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/reference.h"

namespace hpp::proxyd {
namespace {

using fuzz::check;
using fuzz::check_same;
using Phase = Phase;
using Coding = Delivery::Coding;
using namespace std::chrono_literals;

// Size at which a buffer is full. It is small, so that small bodies fill it.
constexpr std::size_t kOutputMax = 48;

// A client on another machine, whose requests below `/__hpp/` are refused.
const Peer kPeer{.ip = "127.0.0.1", .is_local = false};
const IntakeRules kRules{.access = {.bind = {.host = "localhost", .port = 8000}}, .injects = false};

// ---- the script ---------------------------------------------------------------------------------

struct Script {
  std::string order;
  std::string client;
  std::vector<std::string> backend;  // the backend's bytes on each connection
};

Script read_script(std::string_view input) {
  constexpr std::string_view kBetween = "\n===\n";
  Script script;
  const auto line = input.find('\n');
  script.order = input.substr(0, line);
  input.remove_prefix(line == std::string_view::npos ? input.size() : line + 1);
  for (bool is_client = true;; is_client = false) {
    const auto end = input.find(kBetween);
    const std::string part(input.substr(0, end));
    if (is_client) script.client = part;
    if (!is_client) script.backend.push_back(part);
    if (end == std::string_view::npos) return script;
    input.remove_prefix(end + kBetween.size());
  }
}

// ---- records ------------------------------------------------------------------------------------

// A request and its result.
struct SentRequest {
  std::string start;  // the request line that the backend should get
  RequestFacts facts;
  std::string body;       // the client's bytes, with their framing
  bool was_sent = false;  // a backend connection was made for it
  int answers = 0;
  std::optional<Answer> own_answer;
  std::string source;  // the backend's answer, unchanged
  bool source_ended_by_close = false;
};

// A connection to the backend.
struct Link {
  std::size_t number = 0;
  bool is_open = false;
  std::string input;
  std::string output;
  bool input_ended = false;
  bool is_broken = false;
  bool was_used = false;
  IdleState idle;
  ResponseParser parser;
  ResponseBody body{parser};
};

// The bytes that a backend has received on one connection.
struct Got {
  std::string text;
  std::vector<std::size_t> requests;  // indices of the requests
  bool is_cut = false;                // bytes may be missing at the end
};

enum class End { Open, Fin, Reset };

// Returns the target that a backend should get (RFC 9112 §3.2).
std::string target_of(const RequestHead& head) {
  const std::string_view target = without_authority(head.target);
  if (target.empty()) return head.method == "OPTIONS" ? "*" : "/";
  const bool has_no_path = target[0] == '?' || target[0] == '#';
  return (has_no_path ? "/" : "") + std::string(target);
}

void move_run(std::string_view run, std::string& to, Coding coding) {
  if (coding != Coding::Chunk) {
    to += run;
    return;
  }
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", run.size());
  to += size;
  to += run;
  to += "\r\n";
}

// Like pump() in proxyd/pump.cc. Appends all bytes that are removed from `from` to `taken`.
template <bool is_request>
Pumped pump(std::string& from, std::string& to, BodyFramer<is_request>& body, Coding coding,
            std::string& taken) {
  const auto take = [&](std::size_t size) {
    taken += from.substr(0, size);
    from.erase(0, size);
  };
  while (to.size() < kOutputMax) {
    std::size_t run = 0;
    BodyStep step;
    for (;;) {
      step = body.next(std::string_view(from).substr(run));
      if (step.kind != BodyStep::Kind::Pass) break;
      run += step.size;
    }
    if (run > 0) move_run(from.substr(0, run), to, coding);
    take(run);
    if (step.kind == BodyStep::Kind::Replace) to += step.text;
    if (step.kind == BodyStep::Kind::Drop || step.kind == BodyStep::Kind::Replace) take(step.size);
    if (step.kind == BodyStep::Kind::NeedMore) return Pumped::MayGoOn;
    if (step.kind == BodyStep::Kind::Over) return Pumped::Over;
    if (step.kind == BodyStep::Kind::Broken) return Pumped::Broken;
  }
  return body.is_over() ? Pumped::Over : Pumped::MayGoOn;
}

// ---- the play -----------------------------------------------------------------------------------

// The functions have the names and the order of those of proxyd::Client.
class Play {
 public:
  Play(const Script& script, bool byte_by_byte)
      : script_(script), byte_by_byte_(byte_by_byte), place_(connected()) {
    parser_.start();
  }

  void run() {
    for (std::size_t at = 0; at < script_.order.size() && !is_closed(); ++at) {
      const char step = script_.order[at];
      const bool counts = (step == 'c' || step == 'b') && at + 1 < script_.order.size();
      perform_step(step, counts ? static_cast<unsigned char>(script_.order[++at]) : 1);
      check_rest();
    }
    end_all();
    check_client();
    for (const auto& got : got_) check_backend(got);
  }

  // The bytes that both sides have received, except those that depend on the pieces of the input.
  std::string transcript() const { return transcript_; }

  // Whether the result may depend on the pieces: bytes that follow an answer have raced with the
  // next request, or a full buffer has held bytes back.
  bool is_ambiguous() const { return has_raced_ || has_blocked_; }

 private:
  template <class Shell>
  friend bool proxyd::try_steps(Phase phase, Shell&& shell);

  Switchboard::Place& connected() {
    constexpr ConnectionId kClient = 1;
    static_cast<void>(switchboard_.connect(kClient));
    return switchboard_.place(kClient);
  }

  bool is_closed() const { return connection_.phase() == Phase::Closed; }

  SentRequest& newest() {
    check(!requests_.empty(), "there is a request");
    return requests_.back();
  }

  // ---- steps ----

  void perform_step(char step, std::size_t count) {
    switch (step) {
      case 'c':
        return client_sends(count);
      case 'C':
        return client_sends(script_.client.size());
      case 'b':
        return backend_sends(count);
      case 'B':
        return backend_sends(std::string::npos);
      case 'f':
        client_ended_ = true;
        return work();
      case 'x':
        handle(ClientBroken{});
        return work();
      case 'F':
        return backend_ends();
      case 'X':
        return backend_breaks();
      case 'o':
        return upstream_opens();
      case 'p':
        if (upstream_ && !upstream_->is_open) on_upstream_broken();
        return;
      case 'w':
        return toggle(client_reads_);
      case 'W':
        return toggle(backend_reads_);
      case 'l':
        return backend_starts(bus::BackendPhase::Loading);
      case 'R':
        return backend_starts(bus::BackendPhase::Running);
      case 'r':
        return tell(bus::BackendPhase::Running);
      case 'k':
        return tell(bus::BackendPhase::Killing);
      case 'e':
        return tell(bus::BackendPhase::Error);
      case 't':
        return tree_changes();
      case ',':
        return pass_time(100ms);
      case ';':
        return pass_time(2000ms);
      case '.':
        return timer_comes();
      default:
        return;
    }
  }

  void toggle(bool& reads) {
    reads = !reads;
    has_blocked_ = true;
    work();
  }

  void client_sends(std::size_t count) {
    if (client_ended_) return;
    const std::string bytes = script_.client.substr(sent_, count);
    sent_ += bytes.size();
    const std::size_t at_once = byte_by_byte_ ? 1 : bytes.size();
    for (std::size_t at = 0; at < bytes.size() && !is_closed(); at += at_once) {
      input_ += bytes.substr(at, at_once);
      work();
    }
  }

  // The connection on which the backend acts.
  Link* link() {
    if (upstream_) return upstream_->is_open ? upstream_.get() : nullptr;
    return idle_.empty() ? nullptr : idle_.back().get();
  }

  void backend_sends(std::size_t count) {
    const Link* const to = link();
    if (to == nullptr || to->input_ended || to->is_broken || script_.backend.empty()) return;
    const std::size_t number = to->number;
    std::size_t& sent = backend_sent_[number];
    const std::string bytes = script_.backend[number % script_.backend.size()].substr(sent, count);
    sent += bytes.size();
    const std::size_t at_once = byte_by_byte_ ? 1 : bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += at_once) {
      Link* const still = link();
      if (still == nullptr || still->number != number) return;
      if (still != upstream_.get()) has_raced_ = true;
      still->input += bytes.substr(at, at_once);
      on_link(*still);
    }
  }

  // After any event on an idle connection, the connection cannot be used again.
  void on_link(const Link& which) {
    if (upstream_.get() == &which) return work();
    idle_.pop_back();
  }

  void backend_ends() {
    Link* const which = link();
    if (which == nullptr || which->is_broken || which->input_ended) return;
    which->input_ended = true;
    on_link(*which);
  }

  void backend_breaks() {
    Link* const which = link();
    if (which == nullptr || which->is_broken) return;
    which->is_broken = true;
    if (which == upstream_.get()) return on_upstream_broken();
    idle_.pop_back();
  }

  void on_upstream_broken() {
    report(backend_broken(connection_, look(), {}));
    work();
  }

  void upstream_opens() {
    if (!upstream_ || upstream_->is_open) return;
    upstream_->is_open = true;
    send_request();
    work();
  }

  void backend_starts(bus::BackendPhase phase) {
    ++backend_.generation;
    backend_.serves = backend_.seen = tree_.point();
    tell(phase);
  }

  void tell(bus::BackendPhase phase) {
    if (backend_.generation == 0) ++backend_.generation;
    backend_.state = phase;
    backend_.answers = target_.gate.newest_check();
    if (phase != bus::BackendPhase::Running) idle_.clear();
    perform(switchboard_.on(target_, backend_));
  }

  void tree_changes() {
    ++tree_.revision;
    perform(switchboard_.on(tree_, now_));
  }

  void pass_time(std::chrono::milliseconds time) {
    now_ += time;
    if (connection_.wake_at() && *connection_.wake_at() <= now_) timer_comes();
  }

  void timer_comes() {
    if (is_closed()) return;
    if (connection_.phase() == Phase::Finishing) return close();
    if (!connection_.wake_at()) return;
    now_ = std::max(now_, *connection_.wake_at());
    // An incomplete head gets an answer, too.
    if (connection_.phase() == Phase::Reading && !input_.empty()) {
      requests_.push_back({.facts = facts_of_refused(input_)});
    }
    handle(TimerExpired{});
    work();
  }

  // The backend fails, so that every request gets its last answer. Then the client ends.
  void end_all() {
    if (!is_closed()) backend_starts(bus::BackendPhase::Error);
    const Phase phase = connection_.phase();
    check(phase == Phase::Reading || phase == Phase::Finishing || phase == Phase::Closed,
          "no request waits for a failed backend", to_string(phase));
    if (!is_closed()) perform_step('f', 0);
    if (!is_closed()) timer_comes();
    // If a client does not read its last answer, the timer of the outdated connection comes before
    // that of the farewell.
    if (connection_.phase() == Phase::Finishing) timer_comes();
    check(is_closed(), "the connection of a client that has ended is closed",
          to_string(connection_.phase()));
    check(!upstream_, "no backend connection is left behind");
    check_stays_closed();
  }

  void check_stays_closed() {
    for (const Event& event : {Event(ClientBroken{}), Event(ClientEnded{}), Event(UpstreamLost{}),
                               Event(RequestBodyEnded{}), Event(RequestBodyBroken{})}) {
      check(connection_.on(event, now_) == Effects{} && is_closed(),
            "after Closed nothing happens");
    }
    check(!connection_.query() && !connection_.wake_at(), "after Closed nothing is awaited");
  }

  // Checks the invariants that hold after each step.
  void check_rest() {
    const Phase phase = connection_.phase();
    const bool needs_upstream = phase == Phase::Sent || phase == Phase::Answering ||
                                phase == Phase::Tunnel ||
                                (phase == Phase::Ending && connection_.keeps_head());
    check(needs_upstream == (upstream_ != nullptr), "a backend connection is there when it is used",
          to_string(phase));
    const bool awaits_check = phase == Phase::Lost || phase == Phase::Ending;
    check(!awaits_check || connection_.wake_at(), "the wait for a liveness check is limited");
    const Request* const request = connection_.request();
    const bool end_told = request != nullptr && request->knows_client_end();
    check(!end_told || phase != Phase::Held || newest().facts.is_safe,
          "a request that is not safe is not held for a client that has ended");
    const bool has_begun = phase != Phase::Held && phase != Phase::Sent && phase != Phase::Lost;
    check(!end_told || has_begun || connection_.wake_at(),
          "the wait after the client's end is limited", to_string(phase));
  }

  // ---- progress ----

  void work() {
    do {
      while (try_steps(connection_.phase(), *this)) {
      }
    } while (!is_closed() && flush_both());
    switchboard_.set_waiting(place_, connection_.phase() == Phase::Held);
  }

  Wires look() const {
    Wires wires{.client_has_input = !input_.empty(),
                .client_ended = client_ended_,
                .client_end_in_sight = client_ended_,
                .client_is_full = output_.size() >= kOutputMax,
                .request_is_over = request_body_.is_over()};
    if (!upstream_ || !upstream_->is_open) return wires;
    wires.backend_is_open = true;
    wires.backend_has_input = !upstream_->input.empty();
    wires.backend_ended = upstream_->input_ended;
    wires.backend_is_broken = upstream_->is_broken;
    wires.backend_is_full = upstream_->output.size() >= kOutputMax;
    wires.response_may_close = upstream_->body.may_end_by_close();
    return wires;
  }

  bool report(const std::optional<Event>& event) {
    if (event) handle(*event);
    return event.has_value();
  }

  bool read_request(const Wires& wires) {
    input_.erase(0, empty_lines_before_request(input_));
    const bool has_begun = !input_.empty() && input_ != "\r";
    const HeadResult result = has_begun ? parser_.read_head(input_) : NeedMore{};
    if (!std::holds_alternative<HeadRead>(result)) {
      const auto event = request_head_missing(result, has_begun ? input_ : "", wires);
      return report(event) && !std::holds_alternative<RequestBegun>(*event);
    }
    const auto taken = take_in(parser_.head(), kPeer, kRules, target_.host);
    if (const auto* refused = std::get_if<RequestRefused>(&taken)) return report(*refused);
    const auto& intake = std::get<Intake>(taken);
    const RequestHead& head = parser_.head();
    requests_.push_back({.start = std::string(head.method) + ' ' + target_of(head) + " HTTP/1.1",
                         .facts = intake.facts});
    head_ = intake.head;
    input_.erase(0, std::get<HeadRead>(result).size);
    request_body_.begin(intake.facts.framing, intake.facts.length, /*keep_framing=*/true);
    perform(switchboard_.arrive(place_, target_, intake.is_judged(), now_));
    handle(RequestArrived{.facts = intake.facts, .ticket = place_.ticket, .own = intake.own});
    return true;
  }

  bool pump_request() {
    const Pumped pumped =
        pump(input_, upstream_->output, request_body_, Coding::AsItCame, newest().body);
    return report(request_pumped(pumped, request_body_.error()));
  }

  bool read_response(const Wires& wires) {
    Link& from = *upstream_;
    const HeadResult result = from.input.empty() ? NeedMore{} : from.parser.read_head(from.input);
    const auto event = response_head_read(result, from.parser.head(), connection_.facts(),
                                          from.input.size(), wires);
    const auto* const arrived = event ? std::get_if<ResponseArrived>(&*event) : nullptr;
    if (arrived == nullptr) return report(event);
    const ResponseFacts& facts = arrived->facts;
    handle(*event);
    if (!upstream_) return true;
    if (connection_.keeps_head()) {
      if (report(response_kept(facts, wires))) return true;
      from.parser.start();
      return false;
    }
    if (!facts.is_interim()) newest().source = from.input.substr(0, arrived->size);
    from.input.erase(0, arrived->size);
    if (facts.is_interim()) {
      from.parser.start();
    } else {
      from.body.begin(facts.framing, facts.length, coding_ != Coding::Dechunk);
    }
    return true;
  }

  bool pump_response() {
    Link& from = *upstream_;
    const Pumped pumped = pump(from.input, output_, from.body, coding_, newest().source);
    return report(response_pumped(pumped, from.body.error(), look()));
  }

  bool pump_tunnel() {
    Link& backend = *upstream_;
    const auto pass = [](std::string& from, std::string& to, std::string& taken) {
      if (to.size() >= kOutputMax) return;
      taken += from;
      to += from;
      from.clear();
    };
    pass(input_, backend.output, tunnel_in_);
    if (client_ended_ && input_.empty()) flush_backend();
    pass(backend.input, output_, tunnel_out_);
    if (backend.input_ended && backend.input.empty()) flush_client();
    const bool over = client_ended_ && backend.input_ended && output_.empty() &&
                      backend.output.empty() && input_.empty() && backend.input.empty();
    return report(over ? std::optional<Event>(TunnelEnded{}) : std::nullopt);
  }

  bool report_client_end(const Wires& wires) { return report(client_ended(connection_, wires)); }

  bool drain() {
    input_.clear();
    if (client_ended_ && output_.empty()) close();
    return false;
  }

  // Returns true if a full buffer has room again.
  bool flush_both() {
    const bool backend_has_room = upstream_ && upstream_->is_open && flush_backend();
    return flush_client() || backend_has_room;
  }

  bool flush_backend() {
    return backend_reads_ && flush(upstream_->output, got_[upstream_->number].text);
  }

  bool flush_client() { return client_reads_ && flush(output_, client_got_); }

  static bool flush(std::string& output, std::string& got) {
    const bool was_full = output.size() >= kOutputMax;
    got += output;
    output.clear();
    return was_full;
  }

  void close() {
    if (!is_closed()) handle(ClientBroken{});
  }

  // ---- effects ----

  void handle(const Event& event) {
    check(!is_closed(), "a closed connection gets no event");
    if (const auto* refused = std::get_if<RequestRefused>(&event)) {
      requests_.push_back({.facts = refused->facts});
    }
    if (std::holds_alternative<ResponseEndedByClose>(event)) {
      if (connection_.keeps_head()) newest().source = upstream_->input;
      newest().source_ended_by_close = true;
    }
    for (const Effect& effect : connection_.on(event, now_)) {
      std::visit([this](const auto& e) { perform(e); }, effect);
    }
    if (!std::holds_alternative<ResponseBodyEnded>(event)) return;
    check((connection_.phase() == Phase::Finishing) == said_close_,
          "an answer says whether the connection closes", newest().start);
  }

  void perform(const Switchboard::Effects& effects) {
    for (const Switchboard::Effect& effect : effects) {
      const auto* const reconsider = std::get_if<Switchboard::Reconsider>(&effect);
      if (reconsider == nullptr || reconsider->connections.empty() || is_closed()) continue;
      perform(AskGate{});
      work();
    }
  }

  void perform(const AskGate&) {
    const auto query = connection_.query();
    if (query) handle(switchboard_.judge(place_, *query).judgement);
  }

  void perform(const ForwardRequest& effect) {
    check(!upstream_, "there are never two backend connections");
    SentRequest& request = newest();
    check(!request.was_sent || (request.facts.is_safe && request.facts.framing == Framing::None),
          "only what is safe and complete is sent again", request.start);
    check(request.answers == 0, "what is answered is not sent");
    upstream_ = take_upstream(effect.fresh);
    if (upstream_->is_open) send_request();
  }

  std::unique_ptr<Link> take_upstream(bool fresh) {
    auto idle = take_idle(
        idle_, fresh, now_, [](const auto&) { return true; }, [](const auto&) {});
    if (idle) return std::move(*idle);
    auto upstream = std::make_unique<Link>();
    upstream->number = got_.size();
    got_.emplace_back();
    backend_sent_.push_back(0);
    return upstream;
  }

  void send_request() {
    upstream_->parser.start();
    upstream_->output += head_;
    got_[upstream_->number].requests.push_back(requests_.size() - 1);
    newest().was_sent = true;
    handle(UpstreamOpened{.reused = upstream_->was_used});
  }

  void perform(const DropUpstream&) {
    if (upstream_) got_[upstream_->number].is_cut = true;
    upstream_.reset();
  }

  void perform(const ReleaseUpstream& effect) {
    check(upstream_ != nullptr, "there is a backend connection to release");
    Link& link = *upstream_;
    if (!link.input.empty()) has_raced_ = true;
    const bool is_usable = is_clean({.has_ended = link.input_ended,
                                     .is_broken = link.is_broken,
                                     .has_input = !link.input.empty(),
                                     .has_output = !link.output.empty()});
    if (!effect.keeps_alive || !is_usable) return perform(DropUpstream{});
    link.was_used = true;
    link.idle = {.since = now_, .body_may_follow = effect.body_may_follow};
    idle_.push_back(std::move(upstream_));
  }

  void perform(const PassResponseHead& effect) {
    check(upstream_ != nullptr, "an answer comes from somewhere");
    coding_ = effect.delivery.coding;
    said_close_ = effect.delivery.closes;
    if (!effect.facts.is_interim()) count_answer();
    output_ += write_response_head(upstream_->parser.head(), effect.facts, connection_.facts(),
                                   effect.delivery);
  }

  void perform(const EndResponse&) {
    if (coding_ == Coding::Chunk) output_ += "0\r\n\r\n";
  }

  void perform(const Answer& effect) {
    count_answer();
    newest().own_answer = effect;
    const RequestFacts& request = connection_.facts();
    output_ += write_own(error_answer(effect, request, backend_, {.may_see_output = true}),
                         request.is_head, /*now_ms=*/0);
  }

  // Only an OPTIONS request with Max-Forwards 0, because requests below `/__hpp/` are refused.
  void perform(const AnswerOwn& effect) {
    count_answer();
    newest().own_answer.emplace();
    const RequestFacts& request = connection_.facts();
    output_ += write_own(endpoint_answer(effect, request,
                                         {.tree = {},
                                          .backend = {},
                                          .proxy = {},
                                          .history = target_.history,
                                          .defects = target_.defects,
                                          .records = {},
                                          .output = {}}),
                         request.is_head, /*now_ms=*/0);
  }

  void perform(const HandOver&) { check(false, "there is no LiveReload connection"); }

  void count_answer() {
    check(client_end_ == End::Open && !is_finishing_, "nothing follows the last answer");
    check(++newest().answers == 1, "a request is answered once", newest().start);
  }

  void perform(const ReadNext&) {
    check(newest().answers == 1, "the next request is read when this one is answered");
    check(!said_close_, "an answer says whether the connection closes", newest().start);
    parser_.start();
  }

  void perform(const FinishClient&) {
    const bool is_answered = !requests_.empty() && newest().answers == 1;
    // An incomplete head before the client's end is no request.
    check(is_answered || input_.empty() || client_ended_, "no request meets a close");
    is_finishing_ = true;
    flush_client();
  }

  void perform(const CutClient& effect) {
    check(client_end_ == End::Open, "a connection ends once");
    flush_client();
    is_lost_ = !output_.empty();
    client_end_ = effect.reset || is_lost_ ? End::Reset : End::Fin;
  }

  // ---- checks of the received bytes ----

  void note(std::string_view what, std::string_view detail) {
    transcript_ += what;
    transcript_ += ' ';
    transcript_ += detail;
    transcript_ += '\n';
  }

  void check_client() {
    std::string_view rest = client_got_;
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      const SentRequest& request = requests_[i];
      const bool is_last = i + 1 == requests_.size();
      check(request.answers == 1 || is_last, "every request except the last one has an answer",
            client_got_);
      while (take_interim(rest)) {
      }
      if (request.answers == 1) check_answer(request, rest, is_last);
    }
    check(rest.empty(), "a client gets nothing but answers", client_got_);
  }

  bool take_interim(std::string_view& rest) {
    const int status = fuzz::status_of(rest.substr(0, rest.find("\r\n")));
    if (status == 0 || status >= 200 || status == 101) return false;
    const auto message = fuzz::take_response(rest, true);
    check(message.has_value(), "an interim answer is one to the letter", client_got_);
    note("interim", message->head.start);
    return true;
  }

  void check_answer(const SentRequest& request, std::string_view& rest, bool is_last) {
    const auto message = fuzz::take_response(rest, request.facts.is_head);
    if (!message) {
      check(is_lost_, "a client gets answers to the letter", client_got_);
      rest = {};
      return;
    }
    if (request.own_answer) {
      check(is_last && (message->body.is_over || is_lost_) &&
                message->head.first("connection") == "close",
            "an answer of the proxy's own is the last", client_got_);
      note("own answer", std::to_string(static_cast<int>(request.own_answer->kind)));
      return;
    }
    note("answer", message->head.start + " " + message->body.payload);
    if (fuzz::status_of(message->head.start) == 101) {
      check(rest == tunnel_out_ || (is_lost_ && tunnel_out_.starts_with(rest)),
            "a tunnel changes nothing on its way to the client", rest);
      note("tunnel", rest);
      rest = {};
      return;
    }
    check_payload(request, *message, is_last);
  }

  void check_payload(const SentRequest& request, const fuzz::PlainMessage& answer, bool is_last) {
    std::string_view source_text = request.source;
    const auto source =
        fuzz::take_response(source_text, request.facts.is_head, fuzz::Author::Backend);
    check(source.has_value(), "an accepted answer of a backend is unambiguous", request.source);
    // An answer without framing ends with the FIN of its connection.
    const bool is_complete = answer.body.is_over || (is_last && client_end_ == End::Fin &&
                                                     answer.head.count("content-length") == 0 &&
                                                     answer.head.count("transfer-encoding") == 0);
    const bool was_complete = source->body.is_over || request.source_ended_by_close;
    note(is_complete ? "complete" : "cut short", "");
    check(is_complete || is_last || is_lost_, "no bytes follow a truncated answer", client_got_);
    check(!is_complete || was_complete, "a truncated answer looks truncated", client_got_);
    const std::string& payload = answer.body.payload;
    check(source->body.payload.starts_with(payload), "a client gets what the backend sent",
          client_got_);
    check(!is_complete || payload == source->body.payload, "a client gets all of it", client_got_);
  }

  void check_backend(const Got& got) {
    std::string_view rest = got.text;
    for (const std::size_t which : got.requests) {
      if (rest.empty() && got.is_cut) return;
      const SentRequest& request = requests_[which];
      const std::string_view before = rest;
      const auto message = fuzz::take_request(rest);
      if (!message && got.is_cut && has_blocked_) return;
      check(message.has_value(), "a backend gets valid requests", got.text);
      check_same(message->head.start, request.start, "a backend gets the client's requests");
      // If bytes may be missing, their number depends on the pieces.
      if (!got.is_cut) note("request", message->head.start + " " + message->body.payload);
      if (is_tunnel_of(which)) return check_tunnel(before, request);
      check_request_body(*message, request, got);
    }
    check(rest.empty(), "a backend gets nothing but requests", got.text);
  }

  bool is_tunnel_of(std::size_t which) const {
    std::string_view source = requests_[which].source;
    const auto head = fuzz::take_head(source, fuzz::Author::Backend);
    return which + 1 == requests_.size() && head &&
           fuzz::status_of(head->start, fuzz::Author::Backend) == 101;
  }

  void check_tunnel(std::string_view text, const SentRequest& request) {
    fuzz::take_head(text);
    const std::string all = request.body + tunnel_in_;
    check(all.starts_with(text), "a tunnel changes nothing on its way to the backend", text);
  }

  void check_request_body(const fuzz::PlainMessage& message, const SentRequest& request,
                          const Got& got) {
    std::string_view text = request.body;
    fuzz::PlainBody body{.is_over = true};
    if (request.facts.framing == Framing::Chunked) body = fuzz::take_chunks(text);
    if (request.facts.framing == Framing::Length) {
      body = fuzz::take_length(text, request.facts.length);
    }
    check(text.empty(), "proxyd takes only the bytes of the body", request.body);
    check(!message.body.is_over || body.is_over, "a backend gets only the client's bytes",
          got.text);
    check(body.payload.starts_with(message.body.payload), "a backend gets the client's body",
          got.text);
    check(got.is_cut || message.body.payload == body.payload, "a backend gets all of it", got.text);
  }

  const Script& script_;
  const bool byte_by_byte_;
  std::size_t sent_ = 0;  // number of the client's bytes that were sent
  std::vector<std::size_t> backend_sent_;

  // The shell's state.
  TimePoint now_{};
  Target target_{.queue_limit = 1, .host = "localhost:8001"};
  Switchboard switchboard_{target_, Barrier::Settings{}};
  Switchboard::Place& place_;
  bus::TreeState tree_{.stamp = {.epoch = 1}, .watching = true};
  bus::BackendState backend_;
  Connection connection_;
  RequestParser parser_;
  RequestBody request_body_{parser_};
  std::string head_;
  std::string input_;
  std::string output_;
  bool client_reads_ = true;
  bool backend_reads_ = true;
  bool client_ended_ = false;
  bool is_finishing_ = false;
  std::unique_ptr<Link> upstream_;
  std::vector<std::unique_ptr<Link>> idle_;
  Coding coding_ = Coding::AsItCame;

  // Records for the checks.
  std::vector<SentRequest> requests_;
  std::vector<Got> got_;  // one for each connection
  std::string client_got_;
  End client_end_ = End::Open;
  std::string tunnel_in_;
  std::string tunnel_out_;
  std::string transcript_;
  bool said_close_ = false;
  bool is_lost_ = false;  // the connection was closed before the client had read everything
  bool has_raced_ = false;
  bool has_blocked_ = false;
};

}  // namespace
}  // namespace hpp::proxyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hpp::proxyd;
  const Script script = read_script({reinterpret_cast<const char*>(data), size});
  Play whole(script, /*byte_by_byte=*/false);
  whole.run();
  Play bytes(script, /*byte_by_byte=*/true);
  bytes.run();
  if (whole.is_ambiguous() || bytes.is_ambiguous()) return 0;
  check_same(whole.transcript(), bytes.transcript(), "pieces change nothing");
  return 0;
}
