#include "proxyd/core/connection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hpp::proxyd {

void PrintTo(const Effects& effects, std::ostream* out) {
  static const char* const kNames[] = {"AskGate",         "ForwardRequest",   "DropUpstream",
                                       "ReleaseUpstream", "PassResponseHead", "EndResponse",
                                       "Answer",          "AnswerOwn",        "HandOver",
                                       "ReadNext",        "FinishClient",     "CutClient"};
  *out << '{';
  for (const Effect& effect : effects) *out << ' ' << kNames[effect.index()];
  *out << " }";
}

namespace {

using namespace std::chrono_literals;
using enum Phase;
using enum Decision;
using Coding = Delivery::Coding;

const RequestFacts kGet{.is_safe = true};
const RequestFacts kPost{.framing = Framing::Length, .length = 5};
const ResponseFacts kOk{.framing = Framing::Length, .length = 2};
const std::string kAbandoned = "your server closed the connection before the end of its answer";
const std::string kRestarted = "your server ended or was restarted before the end of its answer";

Judged judged(Decision decision, std::uint64_t generation = 0) {
  return {.decision = decision, .generation = generation, .needs = {}};
}

Answer refused(int status, std::string why) {
  return {.kind = Answer::Kind::Refused, .status = status, .why = std::move(why)};
}

Answer bad_gateway(std::string why) {
  return {.kind = Answer::Kind::BadGateway, .status = 502, .why = std::move(why)};
}

// Passes events to a connection, and checks the result of each step.
class Steps {
 public:
  Steps& when(const Event& event) {
    effects_ = connection_.on(event, now_);
    return *this;
  }

  Steps& when(const Event& event, const Effects& expected, int line = __builtin_LINE()) {
    when(event);
    EXPECT_EQ(effects_, expected) << "line " << line;
    return *this;
  }

  Steps& when(const Event& event, const Effects& expected, Phase phase,
              int line = __builtin_LINE()) {
    return when(event, expected, line).in(phase, line);
  }

  // Passes several events whose effects other tests check.
  template <class... E>
  Steps& after(const E&... events) {
    (when(Event(events)), ...);
    return *this;
  }

  Steps& wait(std::chrono::milliseconds time) {
    now_ += time;
    return *this;
  }

  Steps& in(Phase phase, int line = __builtin_LINE()) {
    EXPECT_EQ(connection_.phase(), phase) << to_string(connection_.phase()) << " in line " << line;
    return *this;
  }

  // Brings the connection to Sent with an accepted request.
  Steps& sent(const RequestFacts& facts, std::uint64_t generation = 1,
              int line = __builtin_LINE()) {
    const bool fresh = !facts.is_safe || facts.framing != Framing::None;
    return when(RequestArrived{facts}, {AskGate{}}, Held, line)
        .when(judged(Forward, generation), {ForwardRequest{.fresh = fresh}}, Sent, line);
  }

  Steps() = default;

  explicit Steps(std::chrono::milliseconds queue_timeout) : connection_(queue_timeout) {}

  const Connection& connection() const { return connection_; }

  // The current query for the gate.
  template <class Situation>
  Situation asked() const {
    return std::get<Situation>(connection_.query().value());
  }

  // The kind of hpp's own answer in the last step, if there was one.
  std::optional<Answer::Kind> answered() const {
    for (const Effect& effect : effects_) {
      if (const auto* answer = std::get_if<Answer>(&effect)) return answer->kind;
    }
    return std::nullopt;
  }

  TimePoint now() const { return now_; }

  const Effects& effects() const { return effects_; }

 private:
  Connection connection_;
  TimePoint now_{};
  Effects effects_;
};

TEST(Connection, ServesRequestAfterRequest) {
  Steps steps;
  for (int i = 0; i < 3; ++i) {
    steps.sent(kGet)
        .when(UpstreamOpened{.reused = i > 0}, {})
        .when(ResponseArrived{kOk}, {PassResponseHead{.facts = kOk}}, Answering)
        .when(ResponseBodyEnded{}, {ReleaseUpstream{}, ReadNext{}}, Reading);
  }
}

TEST(Connection, HoldsARequestUntilTheGateForwardsIt) {
  Steps()
      .when(RequestArrived{kGet}, {AskGate{}})
      .when(judged(Stay), {}, Held)
      .when(judged(Forward, 4), {ForwardRequest{.fresh = false}});
}

TEST(Connection, RemembersTheRevisionThatARequestNeeds) {
  Steps steps;
  const bus::TreePoint needs{.epoch = 1, .revision = 7};
  steps.when(RequestArrived{.facts = kGet, .ticket = 3});
  EXPECT_EQ(steps.asked<situation::Waiting>().ticket, 3U);
  EXPECT_FALSE(steps.asked<situation::Waiting>().needs);
  steps.when(Judged{.decision = Stay, .generation = 0, .needs = needs});
  EXPECT_EQ(steps.asked<situation::Waiting>().needs, needs);
  steps.after(judged(Forward, 1), judged(Hold));
  EXPECT_EQ(steps.asked<situation::Waiting>().needs, needs) << "a repetition needs the same";
  steps.after(judged(Forward, 2), ResponseArrived{kOk}, ResponseBodyEnded{});
  steps.when(RequestArrived{.facts = kGet, .ticket = 4});
  EXPECT_EQ(steps.asked<situation::Waiting>().ticket, 4U);
  EXPECT_FALSE(steps.asked<situation::Waiting>().needs) << "the next request has no decision yet";
}

TEST(Connection, RefusesARequestIfTheQueueIsFull) {
  Steps()
      .when(RequestArrived{kPost})
      .when(judged(QueueFull), {Answer{.kind = Answer::Kind::QueueFull}, FinishClient{}},
            Finishing);
}

TEST(Connection, TheQuerySaysWhetherTheRequestWasForwarded) {
  Steps steps;
  steps.when(RequestArrived{kGet});
  EXPECT_FALSE(steps.asked<situation::Waiting>().was_forwarded);
  steps.when(judged(Forward, 1)).when(judged(Hold)).in(Held);
  EXPECT_TRUE(steps.asked<situation::Waiting>().was_forwarded);
  steps.after(judged(Forward, 2), ResponseArrived{kOk}, ResponseBodyEnded{});
  steps.when(RequestArrived{kGet});
  EXPECT_FALSE(steps.asked<situation::Waiting>().was_forwarded) << "the next request";
}

TEST(Connection, AnswersARequestThatHasWaitedTooLong) {
  Steps steps(300ms);
  steps.after(RequestArrived{kGet}, judged(Stay));
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + 300ms);
  steps.wait(300ms).when(TimerExpired{},
                         {Answer{.kind = Answer::Kind::QueueTimeout}, FinishClient{}}, Finishing);
}

TEST(Connection, ANavigationThatWaitsForLongGetsAPage) {
  RequestFacts navigation = kGet;
  navigation.is_navigation = true;
  Steps steps;
  steps.after(RequestArrived{navigation}, judged(Stay));
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kNavigationWait);
  steps.wait(kNavigationWait)
      .when(TimerExpired{}, {Answer{.kind = Answer::Kind::StillStarting}, FinishClient{}},
            Finishing);
  Steps impatient(300ms);
  impatient.after(RequestArrived{navigation}, judged(Stay)).wait(300ms).when(TimerExpired{});
  EXPECT_EQ(impatient.answered(), Answer::Kind::QueueTimeout);
}

TEST(Connection, OtherRequestsWaitForAsLongAsItTakes) {
  RequestFacts of_a_script = kGet;
  of_a_script.wanted = Wanted::Html;
  RequestFacts upgrade = kGet;
  upgrade.is_navigation = true;
  upgrade.asks_upgrade = true;
  for (const RequestFacts& facts : {of_a_script, upgrade, kPost}) {
    Steps steps;
    steps.after(RequestArrived{facts}, judged(Stay));
    EXPECT_FALSE(steps.connection().wake_at());
  }
}

TEST(Connection, TheQueueTimeoutCountsTheTimeInWhichTheRequestWaits) {
  Steps steps(300ms);
  steps.after(RequestArrived{kGet}, judged(Stay)).wait(100ms).when(judged(Forward, 1));
  EXPECT_FALSE(steps.connection().wake_at()) << "a forwarded request has no timeout";
  steps.wait(10s).when(judged(Hold)).in(Held);
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + 200ms) << "the backend worked for 10 s";
  steps.wait(50ms).when(judged(Forward, 2)).wait(10s).when(judged(Hold)).in(Held);
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + 150ms)
      << "a repetition does not extend the wait";
  steps.wait(150ms).when(TimerExpired{});
  EXPECT_EQ(steps.answered(), Answer::Kind::QueueTimeout);
}

TEST(Connection, ANavigationThatTheBackendWorkedOnForLongWaitsForTheNextOne) {
  RequestFacts navigation = kGet;
  navigation.is_navigation = true;
  Steps steps;
  steps.sent(navigation).wait(2 * kNavigationWait).when(judged(Hold)).in(Held);
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kNavigationWait);
}

TEST(Connection, AHalfCloseShortensTheQueueTimeout) {
  Steps steps(10s);
  steps.after(RequestArrived{kGet}, ClientEnded{});
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kHalfCloseGrace);
  steps.wait(kHalfCloseGrace).when(TimerExpired{}).in(Finishing);
  EXPECT_EQ(steps.answered(), Answer::Kind::HalfClosed);
}

TEST(Connection, MeasuresHowLongARequestWaited) {
  Steps steps;
  steps.when(RequestArrived{kGet}).wait(30ms).when(judged(Forward, 4));
  EXPECT_EQ(steps.connection().request()->held(), 30ms);
  EXPECT_EQ(steps.connection().request()->generation(), 4U);
  steps.wait(20ms).when(judged(Hold)).wait(50ms).when(judged(Forward, 5));
  EXPECT_EQ(steps.connection().request()->held(), 80ms) << "without the 20 ms at the backend";
  EXPECT_EQ(steps.now() - steps.connection().request()->arrived_at(), 100ms);
  steps.after(ResponseArrived{kOk}, ResponseBodyEnded{}).wait(1h);
  steps.after(RequestArrived{kGet}, judged(Forward, 5));
  EXPECT_EQ(steps.connection().request()->held(), 0ms) << "the next request starts from zero";
}

TEST(Connection, AnswersWithTheCrash) {
  Steps()
      .when(RequestArrived{kGet}, {AskGate{}})
      .when(judged(Crashed), {Answer{.kind = Answer::Kind::Crashed, .status = 503}, FinishClient{}},
            Finishing);
}

TEST(Connection, TheRequestThatCrashesTheBackendGetsTheCrash) {
  Steps steps;
  steps.sent(kPost)
      .after(UpstreamOpened{}, RequestBodyEnded{})
      .when(UpstreamLost{}, {DropUpstream{}, AskGate{}}, Lost)
      .when(judged(Stay), {});
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kDecisionWait);
  steps.wait(5ms).when(
      judged(Crashed),
      {Answer{.kind = Answer::Kind::Crashed, .status = 503, .was_sent = true}, FinishClient{}});
  EXPECT_EQ(steps.connection().wake_at(), std::nullopt);
}

TEST(Connection, AMissingDecisionIsABadGateway) {
  Steps steps;
  steps.sent(kGet).after(UpstreamLost{}, judged(Stay)).wait(kDecisionWait);
  EXPECT_FALSE(steps.asked<situation::Lost>().expired);
  steps.when(TimerExpired{}, {AskGate{}});
  EXPECT_TRUE(steps.asked<situation::Lost>().expired);
  steps.when(
      judged(BadGateway),
      {bad_gateway("Your server cannot be reached: no connection could be made."), FinishClient{}});
}

TEST(Connection, ABadGatewaySaysHowFarTheRequestCame) {
  Steps()
      .sent(kPost)
      .after(UpstreamOpened{}, UpstreamLost{})
      .when(judged(BadGateway),
            {bad_gateway("Your server closed the connection before it began to answer."),
             FinishClient{}});
}

TEST(Connection, ABadGatewaySaysWhyNoConnectionCouldBeMade) {
  Steps()
      .sent(kGet)
      .when(UpstreamLost{.why = "Connection refused"}, {DropUpstream{}, AskGate{}})
      .when(judged(BadGateway),
            {bad_gateway("Your server cannot be reached: no connection could be made "
                         "(Connection refused)."),
             FinishClient{}});
}

TEST(Connection, AShortageOfHppIsNoBadGateway) {
  Steps().sent(kGet).when(
      UpstreamLost{.why = "no descriptor is left", .is_short = true},
      {DropUpstream{},
       Answer{.kind = Answer::Kind::Shortage,
              .status = 503,
              .why = "hpp cannot connect to your server: no descriptor is left."},
       FinishClient{}},
      Finishing);
}

TEST(Connection, RepeatsARequestThatAKillInterrupts) {
  Steps()
      .sent(kGet, 1)
      .when(UpstreamOpened{})
      .when(judged(Hold), {DropUpstream{}, AskGate{}}, Held)
      .when(judged(Stay))
      .when(judged(Forward, 2), {ForwardRequest{.fresh = false}})
      .when(UpstreamOpened{})
      .when(ResponseArrived{kOk}, {PassResponseHead{.facts = kOk}});
}

TEST(Connection, AnyRequestGoesToTheNextBackendIfNoConnectionWasMade) {
  const auto sent = [](bool opened) {
    Steps steps;
    steps.sent(kPost);
    if (opened) steps.when(UpstreamOpened{});
    return steps;
  };
  EXPECT_TRUE(sent(false).asked<situation::Sent>().repeatable);
  EXPECT_FALSE(sent(true).asked<situation::Sent>().repeatable);
  const auto lost = [&](bool opened) { return sent(opened).when(UpstreamLost{}); };
  EXPECT_TRUE(lost(false).asked<situation::Lost>().repeatable);
  EXPECT_FALSE(lost(true).asked<situation::Lost>().repeatable);
  Steps again = sent(false);
  again.when(judged(Hold), {DropUpstream{}, AskGate{}}, Held)
      .when(judged(Stay), {})
      .when(judged(Forward, 2), {ForwardRequest{.fresh = true}})
      .when(UpstreamOpened{}, {});
  EXPECT_FALSE(again.asked<situation::Sent>().repeatable) << "now the backend has a part of it";
}

TEST(Connection, ARequestWithoutAConnectionIsNotTheReasonForACrash) {
  const Answer crashed{.kind = Answer::Kind::Crashed, .status = 503, .was_sent = false};
  Steps().sent(kGet).when(judged(Crashed), {DropUpstream{}, crashed, FinishClient{}});
  Steps()
      .sent(kGet)
      .when(UpstreamLost{.why = "Connection refused"})
      .when(judged(Crashed), {crashed, FinishClient{}});
  Answer sent = crashed;
  sent.was_sent = true;
  Steps()
      .sent(kGet)
      .when(UpstreamOpened{})
      .when(judged(Crashed), {DropUpstream{}, sent, FinishClient{}});
  // The backend has got it on the first of two connections.
  Steps()
      .sent(kGet)
      .after(UpstreamOpened{.reused = true}, UpstreamLost{}, judged(Forward, 1))
      .when(UpstreamLost{.why = "Connection refused"})
      .when(judged(Crashed), {sent, FinishClient{}});
  // Only the backend before it has got it.
  Steps()
      .sent(kGet)
      .after(UpstreamOpened{}, judged(Hold), judged(Forward, 2))
      .when(UpstreamLost{.why = "Connection refused"})
      .when(judged(Crashed), {crashed, FinishClient{}});
}

TEST(Connection, AnUnsafeRequestDoesNotWaitForTheNextBackendAfterAFin) {
  const RequestFacts unsafe{.is_safe = false};
  const Judged forward{
      .decision = Forward, .generation = 1, .needs = bus::TreePoint{.epoch = 1, .revision = 7}};
  Steps waits;
  waits.after(RequestArrived{unsafe}, forward, ClientEnded{});
  waits.when(judged(Hold), {DropUpstream{}, AskGate{}}, Held).when(judged(Stay)).in(Finishing);
  EXPECT_EQ(waits.answered(), Answer::Kind::HalfClosed);
  Steps goes_on;
  goes_on.after(RequestArrived{unsafe}, forward, ClientEnded{}, judged(Hold));
  goes_on.when(judged(Forward, 2), {ForwardRequest{.fresh = true}}, Sent);
}

TEST(Connection, TriesAgainOnANewConnectionAfterAStaleOne) {
  Steps steps;
  steps.sent(kGet).after(UpstreamOpened{.reused = true}, UpstreamLost{});
  EXPECT_TRUE(steps.asked<situation::Lost>().reused);
  steps.when(judged(Forward, 1), {ForwardRequest{.fresh = true}})
      .after(UpstreamOpened{.reused = false}, UpstreamLost{});
  EXPECT_FALSE(steps.asked<situation::Lost>().reused);
}

TEST(Connection, RepeatsARequestIfAReusedConnectionBringsOtherBytesThanAnAnswer) {
  Steps steps;
  steps.sent(kGet)
      .when(UpstreamOpened{.reused = true})
      .when(ResponseRefused{"odd"}, {DropUpstream{}, AskGate{}}, Lost);
  EXPECT_TRUE(steps.asked<situation::Lost>().reused);
  steps.when(judged(Forward, 1), {ForwardRequest{.fresh = true}})
      .after(UpstreamOpened{.reused = false}, ResponseRefused{"odd"});
  EXPECT_EQ(steps.answered(), Answer::Kind::BadGateway)
      << "such bytes on a new connection are an invalid answer";

  Steps unsafe;
  unsafe.sent({.is_safe = false}).after(UpstreamOpened{.reused = true}, ResponseRefused{"odd"});
  EXPECT_EQ(unsafe.answered(), Answer::Kind::BadGateway);
}

TEST(Connection, OtherBytesThanAnAnswerOnASecondReusedConnectionAreABadGateway) {
  for (const Event& end : {Event(ResponseRefused{"odd"}), Event(UpstreamLost{})}) {
    Steps steps;
    steps.sent(kGet).after(UpstreamOpened{.reused = true}, end, judged(Forward, 1),
                           UpstreamOpened{.reused = true}, ResponseRefused{"odd"});
    EXPECT_EQ(steps.answered(), Answer::Kind::BadGateway)
        << "it is not repeated on every idle connection";
  }
}

TEST(Connection, SaysWhenABodyMayFollowAnAnswerThatHasNone) {
  const auto released = [](const RequestFacts& request, const ResponseFacts& response) {
    Steps steps;
    steps.sent(request).after(UpstreamOpened{}, ResponseArrived{response});
    steps.when(ResponseBodyEnded{});
    return steps.effects();
  };
  const Effects may_follow{ReleaseUpstream{.body_may_follow = true}, ReadNext{}};
  const Effects certain{ReleaseUpstream{}, ReadNext{}};
  EXPECT_EQ(released({.is_head = true, .is_safe = true}, {}), may_follow);
  EXPECT_EQ(released(kGet, {.status = 204}), may_follow);
  EXPECT_EQ(released(kGet, {.status = 304}), may_follow);
  EXPECT_EQ(released(kGet, {.status = 200}), certain);
  EXPECT_EQ(released(kGet, kOk), certain);
}

TEST(Connection, OnlyACompleteAndSafeRequestIsRepeatable) {
  const std::pair<RequestFacts, bool> cases[] = {
      {kGet, true},
      {kPost, false},
      {{.framing = Framing::None, .is_safe = true}, true},
      {{.is_safe = false}, false},
      {{.framing = Framing::Chunked, .is_safe = true}, false},
  };
  for (const auto& [facts, repeatable] : cases) {
    Connection connection;
    (void)connection.on(RequestArrived{facts}, {});
    (void)connection.on(judged(Forward, 1), {});
    (void)connection.on(UpstreamOpened{}, {});
    EXPECT_EQ(std::get<situation::Sent>(*connection.query()).repeatable, repeatable);
  }
}

TEST(Connection, ARequestThatCannotBeRepeatedGetsAFreshConnection) {
  const std::pair<RequestFacts, bool> cases[] = {
      {kGet, false},
      {kPost, true},
      {{.framing = Framing::Length, .length = 5, .is_safe = true}, true},
      {{.framing = Framing::Chunked, .is_safe = true}, true},
  };
  for (const auto& [facts, fresh] : cases) {
    Steps().when(RequestArrived{facts}).when(judged(Forward, 1), {ForwardRequest{.fresh = fresh}});
  }
}

TEST(Connection, InterimAnswersPassAndTheFinalOneFollows) {
  const ResponseFacts early{.status = 103};
  Steps()
      .sent(kGet)
      .when(ResponseArrived{early}, {PassResponseHead{.facts = early}}, Sent)
      .when(ResponseArrived{kOk}, {PassResponseHead{.facts = kOk}});
  RequestFacts old = kGet;
  old.minor = 0;
  Steps().sent(old).when(ResponseArrived{early}, {}, Sent);
}

TEST(Connection, AFloodOfInterimAnswersIsABadGateway) {
  const ResponseFacts early{.status = 103};
  Steps many;
  many.sent(kGet);
  for (std::size_t i = 0; i < kInterimMax; ++i) {
    many.when(ResponseArrived{.facts = early, .size = 30}).in(Sent);
  }
  many.when(ResponseArrived{.facts = early, .size = 30}).in(Finishing);
  EXPECT_EQ(many.answered(), Answer::Kind::BadGateway);
  Steps large;
  large.sent(kGet)
      .when(ResponseArrived{.facts = early, .size = kInterimBytesMax})
      .in(Sent)
      .when(ResponseArrived{.facts = early, .size = 1})
      .in(Finishing);
  EXPECT_EQ(large.answered(), Answer::Kind::BadGateway);
  Steps next;
  next.sent(kGet).when(ResponseArrived{.facts = early, .size = kInterimBytesMax});
  next.after(ResponseArrived{kOk}, ResponseBodyEnded{}).sent(kGet);
  next.when(ResponseArrived{.facts = early, .size = kInterimBytesMax}).in(Sent);
}

const ResponseArrived kHeadAlone{.facts = kOk, .body_begun = false};
const ResponseFacts kUntilClose{.framing = Framing::UntilClose, .keeps_alive = false};

TEST(Connection, KeepsAHeadBackUntilTheBodyBegins) {
  Steps steps;
  steps.sent(kGet).when(kHeadAlone, {}, Sent);
  EXPECT_TRUE(steps.connection().keeps_head());
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kHeadKeptMax);
  steps.wait(10ms)
      .when(kHeadAlone, {})
      .when(ResponseArrived{kOk}, {PassResponseHead{.facts = kOk}}, Answering);
  EXPECT_FALSE(steps.connection().keeps_head());
  EXPECT_FALSE(steps.connection().wake_at());
}

TEST(Connection, KeepsAHeadBackForAShortTimeOnly) {
  Steps steps;
  steps.sent(kGet).when(kHeadAlone).wait(20ms).when(kHeadAlone).wait(kHeadKeptMax - 20ms);
  steps.when(TimerExpired{}, {}).when(kHeadAlone, {PassResponseHead{.facts = kOk}}, Answering);
}

TEST(Connection, PassesAHeadAtOnceIfNoBodyIsToFollowSoon) {
  for (const ResponseFacts& facts :
       {ResponseFacts{.status = 204}, ResponseFacts{.framing = Framing::Length, .length = 0},
        ResponseFacts{.framing = Framing::Chunked, .is_event_stream = true}}) {
    Steps().sent(kGet).when(ResponseArrived{.facts = facts, .body_begun = false},
                            {PassResponseHead{.facts = facts}}, Answering);
  }
}

TEST(Connection, ARestartBetweenHeadAndBodyIsNotSeen) {
  Steps()
      .sent(kGet, 1)
      .when(kHeadAlone)
      .when(judged(Hold), {DropUpstream{}, AskGate{}}, Held)
      .when(judged(Forward, 2), {ForwardRequest{}})
      .when(kHeadAlone, {});
  Steps lost;
  lost.sent(kGet, 1)
      .after(UpstreamOpened{.reused = true}, kHeadAlone)
      .when(UpstreamLost{}, {DropUpstream{}, AskGate{}}, Lost);
  EXPECT_FALSE(lost.asked<situation::Lost>().reused) << "an idle connection brings no head";
  EXPECT_FALSE(lost.connection().keeps_head());
  lost.when(judged(BadGateway),
            {bad_gateway("Your server closed the connection after the head of its answer."),
             FinishClient{}});
}

TEST(Connection, AnAnswerThatEndsWithItsHeadMayStillBeRepeated) {
  const auto ended = [](const RequestFacts& facts) {
    Steps steps;
    steps.sent(facts)
        .when(ResponseArrived{.facts = kUntilClose, .body_begun = false})
        .when(ResponseEndedByClose{}, {AskGate{}}, Ending);
    EXPECT_TRUE(steps.asked<situation::Ended>().nothing_passed);
    return steps;
  };
  Steps killed = ended(kGet);
  EXPECT_TRUE(killed.asked<situation::Ended>().repeatable);
  killed.when(judged(Hold), {DropUpstream{}, AskGate{}}, Held);
  ended(kGet).when(judged(Complete),
                   {PassResponseHead{.facts = kUntilClose, .delivery = {.coding = Coding::Chunk}},
                    EndResponse{}, DropUpstream{}, ReadNext{}},
                   Reading);
  ended({.is_safe = false})
      .when(judged(Unrepeated),
            {DropUpstream{}, Answer{.kind = Answer::Kind::Unrepeated}, FinishClient{}});
}

TEST(Connection, AKeptHeadCountsAsTheBeginningOfTheAnswerAfterAHalfClose) {
  Steps steps;
  steps.sent(kGet).when(ClientEnded{}).wait(kHalfCloseGrace - 1ms).when(kHeadAlone);
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kHeadKeptMax);
  steps.wait(kHeadKeptMax).when(TimerExpired{}, {});
  steps.when(kHeadAlone, {PassResponseHead{.facts = kOk}});
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kHalfCloseGrace);
}

TEST(Connection, AnEarlyAnswerEndsTheConnection) {
  Steps()
      .sent(kPost)
      .when(UpstreamOpened{})
      .when(ResponseArrived{kOk}, {PassResponseHead{.facts = kOk, .delivery = {.closes = true}}})
      .when(ResponseBodyEnded{}, {DropUpstream{}, FinishClient{}}, Finishing);
}

TEST(Connection, ABackendThatAnnouncesACloseClosesFirst) {
  ResponseFacts last = kOk;
  last.keeps_alive = false;
  Steps()
      .sent(kGet)
      .when(ResponseArrived{last}, {PassResponseHead{.facts = last}})
      .when(ResponseBodyEnded{}, {ReleaseUpstream{.keeps_alive = false}, ReadNext{}}, Reading);
}

TEST(Connection, DeliversInTheClientsFraming) {
  const ResponseFacts until_close{.framing = Framing::UntilClose, .keeps_alive = false};
  const ResponseFacts chunked{.framing = Framing::Chunked};
  RequestFacts old = kGet;
  old.minor = 0;
  Steps()
      .sent(kGet)
      .when(ResponseArrived{until_close},
            {PassResponseHead{.facts = until_close, .delivery = {.coding = Coding::Chunk}}})
      .when(ResponseBodyEnded{}, {ReleaseUpstream{.keeps_alive = false}, ReadNext{}});
  Steps()
      .sent(old)
      .when(ResponseArrived{until_close},
            {PassResponseHead{
                .facts = until_close, .delivery = {.closes = true}, .ends_by_close = true}})
      .when(UpstreamLost{}, {DropUpstream{}, CutClient{.reset = true, .why = kAbandoned}});
  Steps().sent(old).when(ResponseArrived{chunked},
                         {PassResponseHead{.facts = chunked,
                                           .delivery = {.coding = Coding::Dechunk, .closes = true},
                                           .ends_by_close = true}});
}

TEST(Connection, AnAnswerThatHasBegunIsCut) {
  Steps()
      .sent(kGet)
      .when(ResponseArrived{kOk})
      .when(UpstreamLost{}, {DropUpstream{}, CutClient{.why = kAbandoned}}, Closed);
  Steps()
      .sent(kGet)
      .when(ResponseArrived{kOk})
      .when(judged(Close), {DropUpstream{}, CutClient{.why = kRestarted}});
}

TEST(Connection, ATunnelEndsWithTheBackend) {
  const ResponseFacts switching{.status = 101, .keeps_alive = false};
  RequestFacts upgrade = kGet;
  upgrade.asks_upgrade = true;
  Steps()
      .sent(upgrade)
      .when(ResponseArrived{switching}, {PassResponseHead{.facts = switching}}, Tunnel)
      .when(ClientEnded{}, {})
      .when(judged(Close), {DropUpstream{}, CutClient{}});
}

// A connection that generation 3 has served, and that is idle after a change.
Steps outdated() {
  Steps steps;
  steps.sent(kGet, 3).after(ResponseArrived{kOk}, ResponseBodyEnded{});
  EXPECT_EQ(steps.asked<situation::Idle>().generation, 3u);
  steps.when(judged(Close), {}, Reading);
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kOutdatedIdleMax);
  return steps;
}

TEST(Connection, AnOutdatedConnectionEndsWithItsNextAnswer) {
  outdated()
      .wait(20ms)
      .when(RequestArrived{kPost}, {AskGate{}})
      .when(judged(Forward, 4), {ForwardRequest{.fresh = true}})
      .when(RequestBodyEnded{})
      .when(ResponseArrived{kOk}, {PassResponseHead{.facts = kOk, .delivery = {.closes = true}}})
      .when(ResponseBodyEnded{}, {ReleaseUpstream{}, FinishClient{}});
}

TEST(Connection, AnOutdatedConnectionThatStaysIdleIsClosed) {
  Steps steps = outdated();
  const TimePoint closes_at = *steps.connection().wake_at();
  steps.wait(1s).when(judged(Close), {});
  EXPECT_EQ(steps.connection().wake_at(), closes_at) << "another message does not extend the time";
  steps.wait(kOutdatedIdleMax - 1s).when(TimerExpired{}, {FinishClient{}}, Finishing);
}

TEST(Connection, AnOutdatedConnectionIsNotClosedUnderARequest) {
  outdated()
      .wait(kOutdatedIdleMax)
      .when(TimerExpired{.request_comes = true}, {})
      .when(RequestArrived{kPost}, {AskGate{}});
  Steps slow = outdated();
  slow.wait(1s).when(RequestBegun{});
  EXPECT_EQ(slow.connection().wake_at(), slow.now() + kHeadWait);
}

TEST(Connection, AHalfCloseWaitsForTheAnswerToBegin) {
  Steps steps;
  steps.sent(kGet).when(ClientEnded{}, {});
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kHalfCloseGrace);
  steps.wait(kHalfCloseGrace).when(TimerExpired{}).in(Finishing);
  EXPECT_EQ(steps.answered(), Answer::Kind::HalfClosed);
  Steps begun;
  begun.sent(kGet).when(ClientEnded{}).wait(900ms).when(ResponseArrived{kOk});
  begun.wait(900ms).when(ResponseBodyEnded{}, {ReleaseUpstream{}, ReadNext{}});
}

TEST(Connection, APipelinedRequestBeforeAFinHasAFullSecond) {
  Steps steps;
  steps.sent(kGet).after(ClientEnded{}, ResponseArrived{kOk}, ResponseBodyEnded{});
  steps.wait(10s).sent(kGet).when(ClientEnded{});
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kHalfCloseGrace);
  steps.wait(kHalfCloseGrace).when(TimerExpired{}).in(Finishing);
  EXPECT_EQ(steps.answered(), Answer::Kind::HalfClosed);
}

// The gate knows what the request needs, and its backend does not run yet.
const Judged kWaitsForBackend{.decision = Stay, .needs = bus::TreePoint{.epoch = 1, .revision = 7}};

TEST(Connection, AnUnsafeRequestThatWaitsForABackendIsRefusedAfterAFin) {
  for (const RequestFacts& facts : {RequestFacts{.is_safe = false}, kPost}) {
    Steps steps;
    steps.after(RequestArrived{facts}, kWaitsForBackend).when(ClientEnded{}).in(Finishing);
    EXPECT_EQ(steps.answered(), Answer::Kind::HalfClosed);
  }
}

TEST(Connection, AnUnsafeRequestThatWaitsForItsTicketIsSentAfterAFin) {
  Steps steps;
  steps.after(RequestArrived{kPost}, judged(Stay)).when(ClientEnded{}, {}, Held);
  const TimePoint leaves_at = steps.now() + kHalfCloseGrace;
  EXPECT_EQ(steps.connection().wake_at(), leaves_at);
  steps.wait(20ms).when(judged(Forward, 1), {ForwardRequest{.fresh = true}}, Sent);
  EXPECT_FALSE(steps.connection().request()->knows_client_end()) << "the body is on its way";
  steps.after(UpstreamOpened{}, RequestBodyEnded{}).wait(20ms).when(ClientEnded{}, {});
  EXPECT_EQ(steps.connection().wake_at(), leaves_at) << "a second after the FIN, not more";
}

TEST(Connection, AnUnsafeRequestIsRefusedAfterAFinIfItsTicketSaysThatItHasToWait) {
  Steps steps;
  steps.after(RequestArrived{kPost}, judged(Stay)).when(ClientEnded{}, {}, Held);
  steps.when(kWaitsForBackend).in(Finishing);
  EXPECT_EQ(steps.answered(), Answer::Kind::HalfClosed);
}

TEST(Connection, AnUnsafeRequestWaitsForItsTicketForASecondAfterAFin) {
  Steps steps;
  steps.after(RequestArrived{kPost}, judged(Stay), ClientEnded{}).wait(kHalfCloseGrace);
  steps.when(TimerExpired{}).in(Finishing);
  EXPECT_EQ(steps.answered(), Answer::Kind::HalfClosed);
}

TEST(Connection, AFinBeforeTheEndOfTheBodyIsNoticedAfterAWaitForTheTicket) {
  Steps steps;
  steps.after(RequestArrived{kPost}, judged(Stay), ClientEnded{}, judged(Forward, 1));
  steps.when(UpstreamOpened{})
      .when(ClientEnded{},
            {DropUpstream{}, refused(400, "the connection ended before its body did"),
             FinishClient{}});
}

TEST(Connection, AHeldSafeRequestWithABodyWaitsOnAfterAFin) {
  Steps()
      .when(RequestArrived{{.framing = Framing::Length, .length = 5, .is_safe = true}})
      .when(ClientEnded{}, {}, Held);
}

TEST(Connection, AFinCountsForEveryRequestBeforeIt) {
  Steps steps;
  steps.sent(kGet).after(ClientEnded{}, ResponseArrived{kOk}, ResponseBodyEnded{});
  steps.sent(kGet, 2).when(ClientEnded{}, {});
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kHalfCloseGrace);
  steps.after(ResponseArrived{kOk}, ResponseBodyEnded{});
  steps.after(RequestArrived{kPost}, kWaitsForBackend).when(ClientEnded{}).in(Finishing);
  EXPECT_EQ(steps.answered(), Answer::Kind::HalfClosed);
}

TEST(Connection, AHalfCloseLastsAsLongAsTheAnswerFlows) {
  Steps steps;
  steps.sent(kGet).when(ResponseArrived{kOk}).wait(100ms).when(ClientEnded{}, {});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(steps.connection().wake_at(), steps.now() + kHalfCloseGrace);
    steps.wait(kHalfCloseGrace).when(TimerExpired{.answer_flows = true}, {});
  }
  steps.wait(kHalfCloseGrace).when(TimerExpired{}, {DropUpstream{}, CutClient{}});
}

TEST(Connection, AHalfCloseEndsAnAnswerThatStalls) {
  Steps steps;
  steps.sent(kGet).when(ClientEnded{}).wait(500ms).when(ResponseArrived{kOk});
  EXPECT_EQ(steps.connection().wake_at(), steps.now() + kHalfCloseGrace);
  steps.wait(kHalfCloseGrace).when(TimerExpired{}, {DropUpstream{}, CutClient{}});
}

TEST(Connection, AFinDoesNotShortenTheWaitForADecision) {
  Steps steps;
  steps.sent(kGet).after(UpstreamOpened{}, UpstreamLost{}, judged(Stay));
  const auto decision_at = steps.now() + kDecisionWait;
  steps.wait(50ms).when(ClientEnded{}, {});
  EXPECT_EQ(steps.connection().wake_at(), decision_at);
  steps.wait(200ms).when(TimerExpired{}, {AskGate{}});
  steps.when(judged(Hold), {AskGate{}}, Held);
  EXPECT_EQ(steps.connection().wake_at(), decision_at - kDecisionWait + 50ms + kHalfCloseGrace);
}

TEST(Connection, AsksWhetherAKillHasEndedTheAnswer) {
  const ResponseFacts until_close{.framing = Framing::UntilClose, .keeps_alive = false};
  const auto ended = [&](const RequestFacts& facts) {
    Steps steps;
    steps.sent(facts).when(ResponseArrived{until_close});
    steps.when(ResponseEndedByClose{}, {DropUpstream{}, AskGate{}}, Ending);
    EXPECT_TRUE(std::holds_alternative<situation::Ended>(*steps.connection().query()));
    EXPECT_EQ(steps.asked<situation::Ended>().check, 0U) << "no liveness check yet";
    EXPECT_EQ(steps.connection().wake_at(), steps.now() + kDecisionWait);
    return steps;
  };
  Steps checked = ended(kGet);
  checked.when(Judged{.decision = Stay, .check = 5}, {}, Ending);
  EXPECT_EQ(checked.asked<situation::Ended>().check, 5U);
  ended(kGet).when(judged(Complete), {EndResponse{}, ReadNext{}}, Reading);
  ended(kGet).when(judged(Close), {CutClient{.why = kRestarted}}, Closed);
  ended(kGet).when(ClientBroken{}, {CutClient{}}, Closed);
  const RequestFacts old{.minor = 0, .is_safe = true, .keeps_alive = false};
  ended(old).when(judged(Close), {CutClient{.reset = true, .why = kRestarted}});
  ended(old).when(judged(Complete), {EndResponse{}, FinishClient{.lingers = false}});
  Steps silent = ended(kGet);
  silent.wait(kDecisionWait).when(TimerExpired{}, {AskGate{}});
  EXPECT_TRUE(silent.asked<situation::Ended>().expired);
}

// The application may end such a connection at any moment.
TEST(Connection, TheConnectionOfARefusedUpgradeIsNotPooled) {
  RequestFacts upgrade = kGet;
  upgrade.asks_upgrade = true;
  Steps()
      .sent(upgrade)
      .when(ResponseArrived{kOk})
      .when(ResponseBodyEnded{}, {DropUpstream{}, ReadNext{}});
}

// A server that is killed ends its side as one does that is done.
TEST(Connection, ATunnelEndsWhenBothSidesHaveEndedIt) {
  const ResponseFacts switching{.status = 101, .keeps_alive = false};
  RequestFacts upgrade = kGet;
  upgrade.asks_upgrade = true;
  const auto ended = [&] {
    return Steps()
        .sent(upgrade)
        .when(ResponseArrived{switching})
        .when(TunnelEnded{}, {DropUpstream{}, AskGate{}}, Ending);
  };
  ended().when(judged(Complete), {EndResponse{}, FinishClient{}}, Finishing);
  ended().when(judged(Close), {CutClient{}}, Closed);
}

TEST(Connection, AFinInTheMiddleOfABodyIsAMalformedRequest) {
  Steps().sent(kPost).when(
      ClientEnded{},
      {DropUpstream{}, refused(400, "the connection ended before its body did"), FinishClient{}});
  Steps().sent(kPost).when(ResponseArrived{kOk}).when(ClientEnded{}, {DropUpstream{}, CutClient{}});
}

TEST(Connection, AFinEndsAnEventStream) {
  const ResponseFacts events{.framing = Framing::Chunked, .is_event_stream = true};
  Steps()
      .sent(kGet)
      .when(ResponseArrived{events})
      .when(ClientEnded{}, {DropUpstream{}, CutClient{}});
  const ResponseFacts download{.framing = Framing::Length, .length = 1 << 30};
  Steps().sent(kGet).when(ResponseArrived{download}).when(ClientEnded{}, {});
  Steps()
      .sent(kGet)
      .when(ResponseArrived{download})
      .wait(kHalfCloseGrace + 1ms)
      .when(ClientEnded{}, {DropUpstream{}, CutClient{}});
}

TEST(Connection, MalformedInputIsAnsweredAndCloses) {
  Steps().when(RequestRefused{.status = 431, .why = "large"},
               {refused(431, "large"), FinishClient{}});
  Steps().sent(kPost).when(RequestBodyBroken{"chunk"},
                           {DropUpstream{}, refused(400, "chunk"), FinishClient{}});
  Steps().sent(kGet).when(
      ResponseRefused{"odd"},
      {DropUpstream{}, bad_gateway("Your server's answer cannot be used: odd."), FinishClient{}});
  Steps()
      .sent(kGet)
      .when(ResponseArrived{kOk})
      .when(ResponseRefused{"chunk"},
            {DropUpstream{}, CutClient{.why = "the answer is malformed: chunk"}});
}

TEST(Connection, HppAnswersItsOwnEndpoints) {
  RequestArrived script{.facts = kGet,
                        .own = OwnRequest{.endpoint = OwnEndpoint::LiveReloadScript}};
  Steps()
      .when(RequestBegun{})
      .when(script, {AnswerOwn{.endpoint = OwnEndpoint::LiveReloadScript}, FinishClient{}},
            Finishing);
  RequestArrived socket{
      .facts = kGet, .own = OwnRequest{.endpoint = OwnEndpoint::LiveReload, .websocket_key = "k"}};
  Steps steps;
  steps.when(RequestBegun{}).when(socket, {HandOver{.websocket_key = "k"}}, Closed);
  EXPECT_FALSE(steps.connection().wake_at());
  steps.when(ClientEnded{}, {}).when(ClientBroken{}, {});
}

TEST(Connection, ARequestForTheWaitEndpointIsHeldAndThenAnswered) {
  const RequestArrived wait{
      .facts = kGet, .ticket = 3, .own = OwnRequest{.endpoint = OwnEndpoint::Wait}};
  Steps()
      .when(wait, {AskGate{}}, Held)
      .when(judged(Stay), {})
      .when(judged(Forward, 2), {AnswerOwn{.endpoint = OwnEndpoint::Wait}, FinishClient{}},
            Finishing);
  Steps().when(wait).when(judged(Crashed), {Answer{}, FinishClient{}});
  Steps(20ms).when(wait).wait(20ms).when(
      TimerExpired{}, {Answer{.kind = Answer::Kind::QueueTimeout}, FinishClient{}});
  Steps steps;
  steps.when(wait);
  EXPECT_EQ(steps.asked<situation::Waiting>().ticket, 3U);
  EXPECT_EQ(steps.connection().facts().wanted, Wanted::Json) << "the default of this endpoint";
  steps.when(ClientBroken{}, {CutClient{}});
}

TEST(Connection, KeepsTheFactsOfARefusedRequest) {
  Steps steps;
  steps.when(RequestRefused{.status = 403, .why = "x", .facts = {.is_head = true}});
  EXPECT_TRUE(steps.connection().facts().is_head);
}

// ---- every history ------------------------------------------------------------------------------

// A simulated shell around a connection and a gate. It offers each event that can occur next,
// performs the effects, and checks the invariants.
struct World {
  Connection connection;
  Gate gate = Gate();
  TimePoint now{};
  bool request_is_safe = true;
  bool upstream = false;  // there is a backend connection
  bool upstream_open = false;
  bool was_used = false;
  bool client_ended = false;
  bool body_done = true;           // the request's body was read
  bool output_open = true;         // the client still accepts output
  int sent = 0;                    // how often the current request was sent to a backend
  int final_answers = 0;           // number of final answers to the current request
  std::uint64_t generation = 1;    // newest spawned generation
  std::uint64_t forwarded_to = 0;  // generation that has the request, or had it last

  void play(const Event& event) {
    for (const Effect& effect : connection.on(event, now)) {
      std::visit([this](const auto& e) { perform(e); }, effect);
    }
    check();
  }

  void perform(const AskGate&) {
    const auto query = connection.query();
    ASSERT_TRUE(query);
    ask(*query);
  }

  void ask(Query query) {
    auto* const ended = std::get_if<situation::Ended>(&query);
    if (ended != nullptr && ended->check == 0) ended->check = gate.begin_check();
    Judgement judgement = gate.judge(query, Barrier({}));
    if (ended != nullptr) judgement.check = ended->check;
    play(judgement);
  }

  void perform(const ForwardRequest&) {
    ASSERT_FALSE(upstream) << "two backend connections at once";
    ASSERT_EQ(gate.backend()->state, bus::BackendPhase::Running);
    ASSERT_EQ(final_answers, 0);
    forwarded_to = connection.request()->generation();
    upstream = true;
    upstream_open = false;
  }

  void perform(const DropUpstream&) {
    ASSERT_TRUE(upstream) << "dropped a connection that does not exist";
    upstream = false;
  }

  void perform(const ReleaseUpstream&) {
    ASSERT_TRUE(upstream && upstream_open && body_done);
    upstream = false;
    was_used = true;
  }

  void perform(const PassResponseHead& effect) {
    ASSERT_TRUE(upstream && output_open);
    if (!effect.facts.is_interim()) ++final_answers;
  }

  void perform(const EndResponse&) {
    ASSERT_TRUE(output_open);
    ASSERT_EQ(final_answers, 1);
    ASSERT_EQ(gate.backend()->state, bus::BackendPhase::Running)
        << "a truncated answer looks complete";
    ASSERT_EQ(gate.backend()->generation, forwarded_to);
  }

  void perform(const Answer&) {
    ASSERT_TRUE(output_open);
    ++final_answers;
  }

  void perform(const AnswerOwn&) {
    ASSERT_TRUE(output_open);
    ++final_answers;
  }

  void perform(const HandOver&) {
    ASSERT_TRUE(output_open);
    output_open = false;
  }

  void perform(const ReadNext&) { ASSERT_EQ(final_answers, 1); }

  void perform(const FinishClient&) { output_open = false; }

  void perform(const CutClient&) { output_open = false; }

  void check() const {
    ASSERT_LE(final_answers, 1) << "answered twice";
    const bool over = connection.phase() == Closed || connection.phase() == Finishing;
    ASSERT_EQ(over, !output_open);
    if (over) {
      ASSERT_FALSE(upstream) << "the request outlives its client";
    }
    if (connection.phase() == Lost || connection.phase() == Ending) {
      ASSERT_TRUE(connection.wake_at()) << "no event will wake the connection";
    }
  }

  void start(const RequestFacts& facts, const std::optional<OwnRequest>& own = std::nullopt) {
    request_is_safe = facts.is_safe;
    body_done = facts.framing == Framing::None;
    sent = 0;
    final_answers = 0;
    play(RequestArrived{.facts = facts, .own = own});
  }

  void news(bus::BackendPhase state, std::uint64_t of) {
    generation = of;
    gate.on(bus::BackendState{.state = state, .generation = of, .answers = gate.newest_check()});
    const auto query = connection.query();
    if (query) ask(*query);
  }

  // Calls `visit` with a copy of this world for everything that can happen next.
  template <class Visit>
  void each_next(Visit visit) const {
    const auto next = [&](auto happen) {
      World world = *this;
      happen(world);
      visit(world);
    };
    const Phase phase = connection.phase();
    if (phase == Closed) return;
    next([](World& w) { w.play(ClientBroken{}); });
    const bool knows_end =
        connection.request() == nullptr || connection.request()->knows_client_end();
    if (!client_ended || !knows_end) {
      next([](World& w) {
        w.client_ended = true;
        w.play(ClientEnded{});
      });
    }
    if (connection.wake_at()) {
      next([](World& w) {
        w.now = *w.connection.wake_at();
        w.play(TimerExpired{});
      });
    }
    if (connection.wake_at() && phase == Reading) {
      next([](World& w) {
        w.now = *w.connection.wake_at();
        w.play(TimerExpired{.request_comes = true});
      });
    }
    if (phase == Reading && !client_ended) {
      next([](World& w) { w.start(kGet); });
      next([](World& w) { w.start(kPost); });
      for (const OwnEndpoint own :
           {OwnEndpoint::LiveReload, OwnEndpoint::Status, OwnEndpoint::Wait}) {
        next([own](World& w) { w.start(kGet, OwnRequest{.endpoint = own, .websocket_key = {}}); });
      }
      next([](World& w) {
        w.final_answers = 0;
        w.play(RequestRefused{.status = 400, .why = "x"});
      });
    }
    each_upstream_event(next, phase);
    each_news(next);
  }

  template <class Next>
  void each_upstream_event(Next next, Phase phase) const {
    if (!upstream) return;
    next([](World& w) { w.play(UpstreamLost{}); });
    if (!upstream_open) {
      return next([](World& w) {
        w.upstream_open = true;
        ++w.sent;
        if (!w.request_is_safe) {
          ASSERT_EQ(w.sent, 1) << "an unsafe request was repeated";
        }
        w.play(UpstreamOpened{.reused = w.was_used});
      });
    }
    if (!body_done) {
      next([](World& w) {
        w.body_done = true;
        w.play(RequestBodyEnded{});
      });
      next([](World& w) { w.play(RequestBodyBroken{"x"}); });
    }
    if (phase == Sent && connection.keeps_head()) {
      next([](World& w) { w.play(ResponseArrived{.facts = kUntilClose, .body_begun = false}); });
      next([](World& w) { w.play(ResponseArrived{kUntilClose}); });
      next([](World& w) { w.play(ResponseEndedByClose{}); });
    } else if (phase == Sent) {
      next([](World& w) { w.play(ResponseArrived{kOk}); });
      next([](World& w) { w.play(ResponseArrived{{.status = 100}}); });
      next([](World& w) {
        w.play(ResponseArrived{{.framing = Framing::UntilClose, .keeps_alive = false}});
      });
      next([](World& w) { w.play(ResponseRefused{"x"}); });
      next([](World& w) { w.play(ResponseArrived{.facts = kUntilClose, .body_begun = false}); });
    }
    if (phase == Answering) {
      next([](World& w) { w.play(ResponseBodyEnded{}); });
      next([](World& w) { w.play(ResponseEndedByClose{}); });
    }
  }

  template <class Next>
  void each_news(Next next) const {
    using enum bus::BackendPhase;
    const auto state = gate.backend() ? gate.backend()->state : Loading;
    if (state == Loading) next([](World& w) { w.news(Running, w.generation); });
    // The unchanged state answers a liveness check.
    if (connection.phase() == Ending) next([=](World& w) { w.news(state, w.generation); });
    if (state == Running || state == Loading) {
      next([](World& w) { w.news(Killing, w.generation); });
      next([](World& w) { w.news(Error, w.generation); });
    }
    if (state == Killing || state == Error) {
      next([](World& w) { w.news(Loading, w.generation + 1); });
      // The bus may lose all messages except the last.
      next([](World& w) { w.news(Running, w.generation + 1); });
    }
  }
};

void explore(const World& world, int depth, std::size_t& histories) {
  ++histories;
  if (depth == 0 || testing::Test::HasFatalFailure()) return;
  world.each_next([&](const World& next) { explore(next, depth - 1, histories); });
}

TEST(Connection, EveryHistoryToDepthTen) {
  std::size_t histories = 0;
  explore(World{}, 10, histories);
  EXPECT_GT(histories, 1'000'000u);
  RecordProperty("histories", std::to_string(histories));
}

TEST(Connection, ATimerThatFiresEarlyChangesNothing) {
  Steps held;
  held.when(RequestArrived{kGet}, {AskGate{}}).when(ClientEnded{}, {});
  const auto deadline = held.connection().wake_at();
  held.wait(kHalfCloseGrace - 4ms).when(TimerExpired{}, {}, Held);
  EXPECT_EQ(held.connection().wake_at(), deadline);
  held.wait(4ms).when(TimerExpired{});
  EXPECT_EQ(held.answered(), Answer::Kind::HalfClosed) << "there is no queue timeout";

  Steps answered;
  answered.when(RequestBegun{}, {}).when(RequestArrived{kGet}, {AskGate{}});
  answered.when(TimerExpired{}, {}, Held);
}

TEST(Connection, ALateTimerIsStartedOnceMoreForMessagesThatHaveArrived) {
  Steps decision;
  decision.sent(kGet).after(UpstreamLost{}, judged(Stay));
  decision.wait(kDecisionWait + kStalledAfter).when(TimerExpired{}, {}, Lost);
  EXPECT_EQ(decision.connection().wake_at(), decision.now() + kNewsAfterStall);
  EXPECT_FALSE(decision.asked<situation::Lost>().expired);
  decision.wait(kNewsAfterStall + kStalledAfter).when(TimerExpired{}, {AskGate{}});
  EXPECT_TRUE(decision.asked<situation::Lost>().expired)
      << "if the loop is always late, the second expiry counts";

  Steps waiting(300ms);
  waiting.after(RequestArrived{kGet}, judged(Stay));
  waiting.wait(1s).when(TimerExpired{}, {}, Held);
  waiting.when(judged(Forward, 1), {ForwardRequest{}});

  Steps head;
  head.when(RequestBegun{}).wait(2 * kHeadWait).when(TimerExpired{}, {});
  head.when(RequestArrived{kGet}, {AskGate{}});
}

TEST(Connection, AnIncompleteHeadTimesOut) {
  Steps steps;
  steps.when(RequestBegun{}, {}, Reading);
  const auto deadline = steps.now() + kHeadWait;
  EXPECT_EQ(steps.connection().wake_at(), deadline);
  EXPECT_EQ(steps.connection().query(), std::nullopt) << "a request is under way, nothing is idle";
  steps.wait(1s).when(RequestBegun{}, {});
  EXPECT_EQ(steps.connection().wake_at(), deadline) << "single bytes do not extend the deadline";
  steps.wait(kHeadWait - 2s).when(TimerExpired{}, {}, Reading);
  EXPECT_EQ(steps.connection().wake_at(), deadline) << "a timer that fires early is started again";
  steps.wait(1s).when(TimerExpired{},
                      {refused(408, "its head did not come within 60 s"), FinishClient{}},
                      Finishing);
}

TEST(Connection, ATimedOutRequestHasTheFactsOfItsPart) {
  Steps steps;
  steps.sent(kGet).after(ResponseArrived{kOk}, ResponseBodyEnded{});
  steps.after(RequestBegun{}, RequestBegun{.facts = {.is_head = true}});
  steps.wait(kHeadWait).when(TimerExpired{}).in(Finishing);
  EXPECT_TRUE(steps.connection().facts().is_head) << "its answer must have no body";
  EXPECT_FALSE(steps.connection().facts().is_safe) << "no fact of the previous request remains";
}

TEST(Connection, ACompleteHeadHasNoDeadline) {
  Steps steps;
  steps.when(RequestBegun{}).when(RequestArrived{kGet}, {AskGate{}});
  EXPECT_EQ(steps.connection().wake_at(), std::nullopt);
}

TEST(Connection, DoesNotWaitForAClientThatHasAnnouncedTheEnd) {
  RequestFacts last = kGet;
  last.keeps_alive = false;
  Steps()
      .sent(last)
      .when(ResponseArrived{kOk}, {PassResponseHead{.facts = kOk, .delivery = {.closes = true}}})
      .when(ResponseBodyEnded{}, {ReleaseUpstream{}, FinishClient{.lingers = false}});
}

TEST(Connection, WaitsForAClientThatMayStillBeSending) {
  RequestFacts last = kPost;
  last.keeps_alive = false;
  Steps()
      .sent(last)
      .when(ResponseArrived{kOk}, {PassResponseHead{.facts = kOk, .delivery = {.closes = true}}})
      .when(ResponseBodyEnded{}, {DropUpstream{}, FinishClient{.lingers = true}});
}

}  // namespace
}  // namespace hpp::proxyd
