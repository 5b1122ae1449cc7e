// Pure. Keeps the last requests and what became of them, for `/__hpp/`, and decides which of them
// are sent again after a restart.
//
//   a head is complete ───────────► begin()      returns the request's number
//   bytes of its body pass ───────► body_of()    returns where to copy them
//   a backend gets the request ───► forwarded()
//   the answer's head passes ─────► answered()
//   bytes of its body pass ───────► answer_body_of()
//   the answer is complete, or
//   will never be ────────────────► ended()
//
// The records are a ring, whose texts keep their memory, so that a record costs the copies of heads
// and short bodies, but no allocation. A request that is under way longer than kRequestsKept others
// have arrived has lost its record; the calls with its number then do nothing.
//
// A body is kept as it came, with its framing, if it has at most kBodyKept bytes. A longer one is
// not kept at all, because hpp cannot send a part of a request's body again, and programs that read
// archives expect whole answers. Nothing is copied if the head announces a longer body.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bus/messages.h"
#include "common/time_point.h"
#include "proxyd/core/http/body_copy.h"
#include "proxyd/core/http/head.h"

namespace hpp::proxyd {

constexpr std::size_t kRequestsKept = 50;
// How many requests are repeated after each restart.
constexpr std::size_t kRepeatedMax = 5;

struct RequestRecord {
  enum class End {
    Open,       // the request is under way
    Completed,  // the client has the backend's answer
    Own,        // hpp has answered itself
    Cut,        // the connection has ended before the end of the answer
  };

  std::uint64_t id = 0;  // from 1; grows with each request
  std::string head;      // the request's head, as it came
  BodyCopy body;         // the request's body, as it came
  // The head of the backend's answer, as it came. Empty: none has come, or the client got an answer
  // of hpp's own instead.
  std::string answer;
  ResponseFacts answer_facts;  // what the head says, if there is one
  BodyCopy answer_body;        // the body of the backend's answer, as it came: without hpp's script
  int status = 0;              // status of the answer; 0: none has come
  std::uint64_t generation = 0;  // the backend that had the request last; 0: none
  TimePoint arrived_at{};
  TimePoint::duration held{};   // how long it waited before it was forwarded
  TimePoint::duration taken{};  // from its arrival to the end of the answer; 0: under way
  End end = End::Open;
};

class RequestRecords {
 public:
  RequestRecords() = default;

  // `keeps`: whether to keep anything (--no-inspect).
  explicit RequestRecords(bool keeps) : keeps_(keeps) {}

  bool keeps() const { return keeps_; }

  // Returns the number of a new record; 0 if nothing is kept.
  std::uint64_t begin(std::string_view head, TimePoint now);

  // Returns the copy of the request's body; nullptr: there is no record.
  BodyCopy* body_of(std::uint64_t id);

  void forwarded(std::uint64_t id, std::uint64_t generation, TimePoint::duration held);

  // `head`: the text of the answer's head. `facts`: what it says.
  void answered(std::uint64_t id, std::string_view head, const ResponseFacts& facts);

  // Returns the copy of the body of the answer; nullptr: there is no record.
  BodyCopy* answer_body_of(std::uint64_t id);

  // Only the first call for a request counts. `status`: of hpp's own answer.
  void ended(std::uint64_t id, RequestRecord::End end, TimePoint now, int status = 0);

  // Returns the record with this number; nullptr: it is not kept.
  const RequestRecord* find(std::uint64_t id) const;

  // Returns the records, the newest first. Valid until the next begin().
  std::vector<const RequestRecord*> newest() const;

  // ---- requests that are repeated after each restart ----

  // Returns false if the request is not kept, or if kRepeatedMax requests are repeated.
  bool repeat(std::uint64_t id);

  void stop_repeating(std::uint64_t id);

  bool repeats(std::uint64_t id) const;

  // Returns the repeated requests. Their records stay after newer requests have come.
  const std::vector<RequestRecord>& repeated() const { return repeated_; }

  // Takes supervisord's newest report. Returns whether the repeated requests must be sent now:
  // once for each backend that runs, but not for the first that this proxyd learns of.
  bool is_due(const bus::BackendState& backend);

 private:
  RequestRecord* slot(std::uint64_t id);

  bool keeps_ = false;
  std::uint64_t newest_ = 0;
  std::vector<RequestRecord> ring_;
  std::vector<RequestRecord> repeated_;
  std::optional<std::uint64_t> generation_;  // the last backend that was reported as running
};

}  // namespace hpp::proxyd
