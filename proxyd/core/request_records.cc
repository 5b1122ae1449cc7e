#include "proxyd/core/request_records.h"

#include <algorithm>
#include <utility>

namespace hpp::proxyd {
namespace {

// A text that grows by assignment can take twice the memory that it needs.
void replace(std::string& text, std::string_view by) {
  if (by.size() > text.capacity()) {
    text = std::string(by);
  } else {
    text = by;
  }
}

void forget_answer(RequestRecord& record) {
  record.answer.clear();
  record.answer_facts = {};
  record.answer_body.clear();
  record.status = 0;
}

}  // namespace

std::uint64_t RequestRecords::begin(std::string_view head, TimePoint now) {
  if (!keeps_) return 0;
  if (ring_.empty()) ring_.resize(kRequestsKept);
  RequestRecord& record = ring_[++newest_ % kRequestsKept];
  record.id = newest_;
  replace(record.head, head);
  record.body.clear();
  forget_answer(record);
  record.generation = 0;
  record.arrived_at = now;
  record.held = record.taken = {};
  record.end = RequestRecord::End::Open;
  return newest_;
}

RequestRecord* RequestRecords::slot(std::uint64_t id) {
  if (id == 0) return nullptr;
  RequestRecord& record = ring_[id % kRequestsKept];
  return record.id == id ? &record : nullptr;
}

BodyCopy* RequestRecords::body_of(std::uint64_t id) {
  RequestRecord* const record = slot(id);
  return record != nullptr ? &record->body : nullptr;
}

void RequestRecords::forwarded(std::uint64_t id, std::uint64_t generation,
                               TimePoint::duration held) {
  RequestRecord* const record = slot(id);
  if (record == nullptr) return;
  record->generation = generation;
  record->held = held;
  record->body.clear();  // a request that is repeated sends its body again
  forget_answer(*record);
}

void RequestRecords::answered(std::uint64_t id, std::string_view head, const ResponseFacts& facts) {
  RequestRecord* const record = slot(id);
  if (record == nullptr) return;
  replace(record->answer, head);
  record->answer_facts = facts;
  record->answer_body.clear();
  record->status = facts.status;
  if (facts.length > kBodyKept) record->answer_body.leave_out();
}

BodyCopy* RequestRecords::answer_body_of(std::uint64_t id) {
  RequestRecord* const record = slot(id);
  return record != nullptr ? &record->answer_body : nullptr;
}

void RequestRecords::ended(std::uint64_t id, RequestRecord::End end, TimePoint now, int status) {
  RequestRecord* const record = slot(id);
  if (record == nullptr || record->end != RequestRecord::End::Open) return;
  if (end == RequestRecord::End::Own) forget_answer(*record);
  record->end = end;
  record->taken = now - record->arrived_at;
  if (status != 0) record->status = status;
}

const RequestRecord* RequestRecords::find(std::uint64_t id) const {
  const auto has_id = [&](const RequestRecord& record) { return record.id == id; };
  const auto kept = std::find_if(repeated_.begin(), repeated_.end(), has_id);
  if (kept != repeated_.end()) return &*kept;
  if (id == 0 || ring_.empty() || !has_id(ring_[id % kRequestsKept])) return nullptr;
  return &ring_[id % kRequestsKept];
}

std::vector<const RequestRecord*> RequestRecords::newest() const {
  std::vector<const RequestRecord*> records;
  for (std::uint64_t id = newest_; id > 0 && records.size() < ring_.size(); --id) {
    records.push_back(&ring_[id % kRequestsKept]);
  }
  return records;
}

bool RequestRecords::repeat(std::uint64_t id) {
  const RequestRecord* const record = find(id);
  if (record == nullptr) return false;
  if (repeats(id)) return true;
  if (repeated_.size() >= kRepeatedMax) return false;
  repeated_.push_back(*record);
  return true;
}

bool RequestRecords::repeats(std::uint64_t id) const {
  return std::any_of(repeated_.begin(), repeated_.end(),
                     [&](const RequestRecord& record) { return record.id == id; });
}

void RequestRecords::stop_repeating(std::uint64_t id) {
  std::erase_if(repeated_, [&](const RequestRecord& record) { return record.id == id; });
}

bool RequestRecords::is_due(const bus::BackendState& backend) {
  if (backend.state != bus::BackendPhase::Running) return false;
  const auto before = std::exchange(generation_, backend.generation);
  return before && *before != backend.generation && !repeated_.empty();
}

}  // namespace hpp::proxyd
