#include "proxyd/downstream.h"

namespace hpp::proxyd {

void Downstream::pass_head(std::string_view head, const PassResponseHead& how,
                           const std::string& tag) {
  coding_ = how.delivery.coding;
  ends_by_close_ = how.ends_by_close;
  if (ends_by_close_) stream_.reset_unless_finished();
  stream_.output().append(head);
  is_utf16_ = false;
  if (!tag.empty()) tag_pump_ = std::make_unique<TagPump>(tag, how.facts.framing, coding_);
}

Pumped Downstream::pump_body(Stream& from, ResponseBody& body, BodyPump& pump, BodyCopy* copy) {
  if (tag_pump_) {
    const Pumped pumped = tag_pump_->pump(from.input(), stream_.output(), body, copy);
    is_utf16_ = tag_pump_->is_utf16();
    if (!tag_pump_->is_done()) return pumped;
    tag_pump_.reset();
  }
  return pump.pump(from, stream_, body, coding_, copy);
}

void Downstream::end_body() {
  if (tag_pump_) tag_pump_->finish(stream_.output());
  tag_pump_.reset();
  if (coding_ == Delivery::Coding::Chunk) append_last_chunk(stream_.output());
}

void Downstream::write(const OwnAnswer& answer, bool is_head, std::int64_t now_ms) {
  stream_.output().append(write_own(answer, is_head, now_ms));
}

void Downstream::finish(bool lingers) {
  if (lingers || ends_by_close_) {
    stream_.finish_output();
  } else {
    stream_.flush();
  }
}

}  // namespace hpp::proxyd
