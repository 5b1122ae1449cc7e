#include "proxyd/core/steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using enum Step;

const RequestFacts kGet{.is_safe = true};
const TimePoint kNow{std::chrono::hours(1)};

template <class What>
bool is(const std::optional<Event>& event) {
  return event && std::holds_alternative<What>(*event);
}

Connection in(Phase phase) {
  Connection connection;
  const auto play = [&](const Event& event) { static_cast<void>(connection.on(event, kNow)); };
  if (phase == Phase::Reading) return connection;
  play(RequestArrived{.facts = kGet});
  if (phase == Phase::Held) return connection;
  play(Judged{.decision = Decision::Forward, .generation = 1});
  play(UpstreamOpened{});
  if (phase == Phase::Sent) return connection;
  play(ResponseArrived{.facts = {.framing = Framing::Length, .length = 9}});
  EXPECT_EQ(connection.phase(), Phase::Answering);
  return connection;
}

TEST(Steps, EachPhaseHasItsOwnSteps) {
  EXPECT_THAT(steps_in(Phase::Reading), ElementsAre(ReadRequest));
  EXPECT_THAT(steps_in(Phase::Held), ElementsAre(ReportClientEnd));
  EXPECT_THAT(steps_in(Phase::Lost), ElementsAre(ReportClientEnd));
  EXPECT_THAT(steps_in(Phase::Sent), ElementsAre(PumpRequest, ReadResponse, ReportClientEnd));
  EXPECT_THAT(steps_in(Phase::Answering), ElementsAre(PumpRequest, PumpResponse, ReportClientEnd));
  EXPECT_THAT(steps_in(Phase::Tunnel), ElementsAre(PumpTunnel));
  EXPECT_THAT(steps_in(Phase::Finishing), ElementsAre(Drain));
  EXPECT_THAT(steps_in(Phase::Ending), IsEmpty());
  EXPECT_THAT(steps_in(Phase::Closed), IsEmpty());
}

TEST(Steps, NoHeadIsReadForAClientThatDoesNotRead) {
  EXPECT_TRUE(is_possible(ReadRequest, {}));
  EXPECT_FALSE(is_possible(ReadRequest, {.client_is_full = true}));
  EXPECT_TRUE(is_possible(ReadResponse, {.backend_is_open = true}));
  EXPECT_FALSE(is_possible(ReadResponse, {.client_is_full = true, .backend_is_open = true}));
  EXPECT_FALSE(is_possible(ReadResponse, {})) << "the connection is being made";
}

TEST(Steps, ABodyIsPumpedUntilTheBackendHasAllOfIt) {
  EXPECT_FALSE(is_possible(PumpRequest, {}));
  EXPECT_TRUE(is_possible(PumpRequest, {.backend_is_open = true}));
  EXPECT_FALSE(is_possible(PumpRequest, {.backend_is_open = true, .request_is_over = true}));
}

TEST(Steps, ARequestBeginsWithItsFirstByteUnlessTheClientHasEnded) {
  EXPECT_FALSE(request_head_missing(NeedMore{}, "", {}));
  EXPECT_TRUE(is<RequestBegun>(request_head_missing(NeedMore{}, "GE", {})));
  EXPECT_TRUE(is<ClientEnded>(request_head_missing(NeedMore{}, "GE", {.client_ended = true})));
  EXPECT_TRUE(is<ClientEnded>(request_head_missing(NeedMore{}, "", {.client_ended = true})));
  const auto event = request_head_missing(Refused{.status = 414, .why = "x"}, "HEAD", {});
  ASSERT_TRUE(is<RequestRefused>(event));
  EXPECT_EQ(std::get<RequestRefused>(*event).status, 414);
}

TEST(Steps, AMissingAnswerIsLostWhenTheBackendHasEnded) {
  const auto read = [](const HeadResult& result, const Wires& wires) {
    return response_head_read(result, {.status = 200}, kGet, /*size=*/9, wires);
  };
  EXPECT_FALSE(read(NeedMore{}, {}));
  EXPECT_TRUE(is<UpstreamLost>(read(NeedMore{}, {.backend_ended = true})));
  EXPECT_TRUE(is<ResponseRefused>(read(Refused{.why = "x"}, {})));
  for (const std::size_t size : {8U, 9U}) {
    const auto event = read(HeadRead{.size = size}, {});
    ASSERT_TRUE(is<ResponseArrived>(event));
    EXPECT_EQ(std::get<ResponseArrived>(*event).size, size);
    EXPECT_EQ(std::get<ResponseArrived>(*event).body_begun, size == 8);
  }
}

TEST(Steps, AHeadThatIsKeptBackEndsWithItsConnection) {
  const ResponseFacts until_close{.framing = Framing::UntilClose};
  const ResponseFacts with_length{.framing = Framing::Length, .length = 5};
  EXPECT_FALSE(response_kept(until_close, {}));
  EXPECT_TRUE(is<ResponseEndedByClose>(response_kept(until_close, {.backend_ended = true})));
  EXPECT_TRUE(is<UpstreamLost>(response_kept(with_length, {.backend_ended = true})));
}

TEST(Steps, ABodyUntilTheCloseIsCompleteUnlessTheConnectionBreaks) {
  const auto pumped = [](const Wires& wires) {
    return response_pumped(Pumped::MayGoOn, "", wires);
  };
  EXPECT_FALSE(pumped({}));
  EXPECT_TRUE(is<UpstreamLost>(pumped({.backend_ended = true})));
  EXPECT_TRUE(
      is<ResponseEndedByClose>(pumped({.backend_ended = true, .response_may_close = true})));
  EXPECT_TRUE(is<UpstreamLost>(pumped({.backend_is_broken = true, .response_may_close = true})));
  EXPECT_FALSE(pumped({.client_is_full = true, .backend_ended = true}))
      << "the buffered bytes come first";
  EXPECT_FALSE(pumped({.backend_ended = true, .response_is_held = true}));
  EXPECT_TRUE(is<ResponseBodyEnded>(response_pumped(Pumped::Over, "", {.client_is_full = true})));
  EXPECT_TRUE(is<ResponseRefused>(response_pumped(Pumped::Broken, "x", {})));
}

TEST(Steps, AFinCountsAfterTheBytesBeforeItArePassedOn) {
  const Connection sent = in(Phase::Sent);
  EXPECT_FALSE(client_ended(sent, {}));
  EXPECT_FALSE(client_ended(sent, {.client_end_in_sight = true})) << "bytes come before it";
  EXPECT_TRUE(client_ended(sent, {.client_ended = true}));
  EXPECT_FALSE(client_ended(sent, {.client_has_input = true, .client_ended = true}))
      << "the body waits for the connection to the backend";
  EXPECT_FALSE(client_ended(sent, {.client_has_input = true,
                                   .client_ended = true,
                                   .backend_is_open = true,
                                   .backend_is_full = true}));
  EXPECT_TRUE(
      client_ended(sent, {.client_has_input = true, .client_ended = true, .backend_is_open = true}))
      << "an incomplete chunk line";
  EXPECT_FALSE(client_ended(sent, {.client_ended = true, .request_is_held = true}));
}

TEST(Steps, AHeldRequestDoesNotWaitForTheBytesBeforeTheFin) {
  EXPECT_TRUE(
      client_ended(in(Phase::Held), {.client_has_input = true, .client_end_in_sight = true}));
}

TEST(Steps, AFinIsReportedOncePerRequest) {
  Connection held = in(Phase::Held);
  static_cast<void>(held.on(ClientEnded{}, kNow));
  EXPECT_FALSE(client_ended(held, {.client_ended = true}));
}

TEST(Steps, BytesBeforeAResetOfTheBackendReachTheClient) {
  const Wires more{.backend_is_open = true, .backend_has_input = true};
  EXPECT_FALSE(backend_broken(in(Phase::Answering), more, {}));
  EXPECT_FALSE(backend_broken(in(Phase::Answering),
                              {.backend_is_open = true, .response_is_held = true}, {}));
  EXPECT_TRUE(is<UpstreamLost>(backend_broken(in(Phase::Answering), {}, {})));
  EXPECT_TRUE(is<UpstreamLost>(backend_broken(in(Phase::Sent), more, {})));
}

}  // namespace
}  // namespace hpp::proxyd
