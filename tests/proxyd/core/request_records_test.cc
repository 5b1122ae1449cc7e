#include "proxyd/core/request_records.h"

#include <gtest/gtest.h>

#include <string>

namespace hpp::proxyd {
namespace {

using std::chrono::milliseconds;
using End = RequestRecord::End;

constexpr const char* kHead = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kAnswer = "HTTP/1.1 200 OK\r\n\r\n";

class RequestRecordsTest : public testing::Test {
 protected:
  std::uint64_t begin(const char* head = kHead) { return records_.begin(head, now_); }

  TimePoint now_{std::chrono::hours(1)};
  RequestRecords records_{/*keeps=*/true};
};

TEST_F(RequestRecordsTest, ARecordTellsWhatBecameOfARequest) {
  const std::uint64_t id = begin();
  EXPECT_EQ(records_.find(id)->end, End::Open);
  records_.forwarded(id, 3, milliseconds(20));
  records_.answered(id, kAnswer, {.status = 200});
  records_.ended(id, End::Completed, now_ + milliseconds(50));
  records_.ended(id, End::Cut, now_ + milliseconds(90));
  const RequestRecord& record = *records_.find(id);
  EXPECT_EQ(record.head, kHead);
  EXPECT_EQ(record.generation, 3U);
  EXPECT_EQ(record.held, milliseconds(20));
  EXPECT_EQ(record.taken, milliseconds(50)) << "only the first end counts";
  EXPECT_EQ(record.status, 200);
  EXPECT_EQ(record.end, End::Completed);
}

TEST_F(RequestRecordsTest, HppsOwnAnswerHasItsStatus) {
  const std::uint64_t id = begin();
  records_.answered(id, kAnswer, {.status = 200});
  records_.answer_body_of(id)->add("abc");
  records_.ended(id, End::Own, now_, 503);
  EXPECT_EQ(records_.find(id)->answer, "") << "the client has not got it";
  EXPECT_EQ(records_.find(id)->answer_body.text(), "");
  EXPECT_EQ(records_.find(id)->status, 503);
  EXPECT_EQ(records_.find(id)->generation, 0U);
}

TEST_F(RequestRecordsTest, TheNewestFiftyAreKept) {
  for (std::size_t i = 0; i < kRequestsKept + 3; ++i) begin();
  EXPECT_EQ(records_.find(3), nullptr);
  EXPECT_NE(records_.find(4), nullptr);
  EXPECT_EQ(records_.find(kRequestsKept + 4), nullptr);
  const auto newest = records_.newest();
  ASSERT_EQ(newest.size(), kRequestsKept);
  EXPECT_EQ(newest.front()->id, kRequestsKept + 3);
  EXPECT_EQ(newest.back()->id, 4U);
}

TEST_F(RequestRecordsTest, FewerAreKeptAtTheBeginning) {
  EXPECT_TRUE(records_.newest().empty());
  begin();
  EXPECT_EQ(records_.newest().size(), 1U);
}

TEST_F(RequestRecordsTest, ALateCallDoesNotChangeTheRecordOfAnotherRequest) {
  const std::uint64_t slow = begin();
  for (std::size_t i = 0; i < kRequestsKept; ++i) begin();
  records_.forwarded(slow, 9, {});
  records_.answered(slow, "x", {.status = 500});
  records_.ended(slow, End::Cut, now_);
  EXPECT_EQ(records_.body_of(slow), nullptr);
  EXPECT_EQ(records_.answer_body_of(slow), nullptr);
  for (const RequestRecord* const record : records_.newest()) {
    EXPECT_EQ(record->end, End::Open);
    EXPECT_EQ(record->status, 0);
    EXPECT_EQ(record->generation, 0U);
  }
}

TEST_F(RequestRecordsTest, ARecordIsEmptyWhenItsPlaceIsUsedAgain) {
  const std::uint64_t first = begin();
  records_.body_of(first)->add("abc");
  records_.forwarded(first, 1, milliseconds(1));
  records_.answered(first, kAnswer,
                    {.status = 200, .framing = Framing::Length, .length = kBodyKept + 1});
  records_.ended(first, End::Completed, now_ + milliseconds(2));
  for (std::size_t i = 0; i < kRequestsKept; ++i) begin("PUT / HTTP/1.1\r\n\r\n");
  const RequestRecord& record = *records_.find(first + kRequestsKept);
  EXPECT_EQ(record.head, "PUT / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(record.body.text() + record.answer, "");
  EXPECT_EQ(record.answer_facts, ResponseFacts{});
  EXPECT_TRUE(record.answer_body.is_whole());
  EXPECT_EQ(record.status, 0);
  EXPECT_EQ(record.generation, 0U);
  EXPECT_EQ(record.end, End::Open);
  EXPECT_EQ(record.taken.count() + record.held.count(), 0);
}

TEST_F(RequestRecordsTest, ALongBodyIsNotKeptAtAll) {
  BodyCopy body;
  body.add(std::string(kBodyKept, 'a'));
  EXPECT_TRUE(body.is_whole());
  EXPECT_EQ(body.text().size(), kBodyKept);
  body.add("b");
  body.add("c");
  EXPECT_FALSE(body.is_whole());
  EXPECT_EQ(body.text(), "");
  body.clear();
  body.add("d");
  EXPECT_TRUE(body.is_whole());
  EXPECT_EQ(body.text(), "d");
}

// The text must not have twice the capacity, as a string has that grows by itself.
TEST_F(RequestRecordsTest, ABodyTakesNoMoreMemoryThanTheLimit) {
  BodyCopy body;
  for (std::size_t i = 0; i < kBodyKept; i += 1024) {
    body.add(std::string(1024, 'a'));
    ASSERT_LE(body.text().capacity(), kBodyKept);
  }
  EXPECT_EQ(body.text(), std::string(kBodyKept, 'a'));
}

TEST_F(RequestRecordsTest, AHeadTakesNoMoreMemoryThanTheLongest) {
  std::uint64_t id = 0;
  for (const std::size_t size : {kHeadSizeMax / 2 + 1, kHeadSizeMax / 2 + 2, kHeadSizeMax}) {
    const std::string head(size, 'a');
    for (std::size_t i = 0; i < kRequestsKept; ++i) id = begin(head.c_str());
    records_.answered(id, head, {.status = 200});
    EXPECT_EQ(records_.find(id)->head, head);
    EXPECT_EQ(records_.find(id)->answer, head);
  }
  EXPECT_LE(records_.find(id)->head.capacity(), kHeadSizeMax);
  EXPECT_LE(records_.find(id)->answer.capacity(), kHeadSizeMax);
}

TEST_F(RequestRecordsTest, AnAnswerKnownToBeLongIsNotCopied) {
  const std::uint64_t id = begin();
  for (const std::uint64_t length : {kBodyKept, kBodyKept + 1}) {
    records_.answered(id, kAnswer, {.framing = Framing::Length, .length = length});
    records_.answer_body_of(id)->add("abc");
    EXPECT_EQ(records_.find(id)->answer_body.text(), length > kBodyKept ? "" : "abc");
    EXPECT_EQ(records_.find(id)->answer_body.is_whole(), length <= kBodyKept);
  }
}

// Client reads the head again while it waits for the beginning of the body.
TEST_F(RequestRecordsTest, OnlyTheLastAnswerIsKept) {
  const std::uint64_t id = begin();
  records_.forwarded(id, 1, {});
  records_.answered(id, kAnswer, {.status = 500, .framing = Framing::UntilClose});
  records_.answer_body_of(id)->add("abc");
  records_.forwarded(id, 2, {});
  EXPECT_EQ(records_.find(id)->answer, "");
  EXPECT_EQ(records_.find(id)->status, 0);
  for (int i = 0; i < 2; ++i) {
    records_.answered(id, kAnswer, {.status = 201, .framing = Framing::Length, .length = 3});
    records_.answer_body_of(id)->add("def");
  }
  EXPECT_EQ(records_.find(id)->answer_body.text(), "def");
  EXPECT_EQ(records_.find(id)->answer_facts.length, 3U);
  EXPECT_EQ(records_.find(id)->status, 201);
}

TEST_F(RequestRecordsTest, ABodyThatIsSentToAnotherBackendIsKeptOnce) {
  const std::uint64_t id = begin();
  for (const std::uint64_t generation : {1U, 2U}) {
    records_.forwarded(id, generation, {});
    records_.body_of(id)->add("abc");
  }
  EXPECT_EQ(records_.find(id)->body.text(), "abc");
}

TEST(NoInspect, NothingIsKept) {
  RequestRecords records(/*keeps=*/false);
  const std::uint64_t id = records.begin(kHead, TimePoint{});
  EXPECT_EQ(id, 0U);
  EXPECT_EQ(records.body_of(id), nullptr);
  EXPECT_EQ(records.answer_body_of(id), nullptr);
  records.forwarded(id, 1, {});
  records.answered(id, "x", {.status = 200});
  records.ended(id, End::Completed, TimePoint{});
  EXPECT_TRUE(records.newest().empty());
  EXPECT_EQ(records.find(id), nullptr);
  EXPECT_EQ(records.find(1), nullptr);
  EXPECT_FALSE(records.repeat(1));
}

// ---- requests that are repeated after each restart ----------------------------------------------

bus::BackendState backend(std::uint64_t generation,
                          bus::BackendPhase phase = bus::BackendPhase::Running) {
  return {.state = phase, .generation = generation};
}

TEST_F(RequestRecordsTest, RepeatedRequestsAreDueOnceForEachNewBackend) {
  EXPECT_FALSE(records_.is_due(backend(1)));
  ASSERT_TRUE(records_.repeat(begin()));
  EXPECT_FALSE(records_.is_due(backend(1))) << "the message is repeated";
  EXPECT_FALSE(records_.is_due(backend(2, bus::BackendPhase::Loading)));
  EXPECT_TRUE(records_.is_due(backend(2)));
  EXPECT_FALSE(records_.is_due(backend(2)));
  EXPECT_FALSE(records_.is_due(backend(3, bus::BackendPhase::Error)));
  EXPECT_TRUE(records_.is_due(backend(4)));
  records_.stop_repeating(records_.repeated().front().id);
  EXPECT_FALSE(records_.is_due(backend(5)));
}

TEST_F(RequestRecordsTest, TheFirstBackendIsNoRestart) {
  ASSERT_TRUE(records_.repeat(begin()));
  EXPECT_FALSE(records_.is_due(backend(7)));
  EXPECT_TRUE(records_.is_due(backend(8)));
}

TEST_F(RequestRecordsTest, ARepeatedRequestStaysUntilItIsStopped) {
  const std::uint64_t id = begin("GET /kept HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(records_.repeat(id));
  for (std::size_t i = 0; i < 2 * kRequestsKept; ++i) begin();
  ASSERT_NE(records_.find(id), nullptr);
  EXPECT_EQ(records_.find(id)->head, "GET /kept HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(records_.repeat(id)) << "it is repeated already";
  EXPECT_EQ(records_.repeated().size(), 1U);
  records_.stop_repeating(id);
  EXPECT_EQ(records_.find(id), nullptr);
  EXPECT_FALSE(records_.repeat(id));
}

TEST_F(RequestRecordsTest, OnlySomeRequestsAreRepeated) {
  for (std::size_t i = 0; i < kRepeatedMax; ++i) EXPECT_TRUE(records_.repeat(begin()));
  EXPECT_FALSE(records_.repeat(begin()));
}

}  // namespace
}  // namespace hpp::proxyd
