#include "proxyd/tag_pump.h"

#include <utility>

namespace hpp::proxyd {

TagPump::TagPump(std::string tag, Framing framing, Delivery::Coding coding)
    : inserter_(std::move(tag)),
      reads_chunks_(framing == Framing::Chunked),
      writes_chunks_(reads_chunks_ ? coding != Delivery::Coding::Dechunk
                                   : coding == Delivery::Coding::Chunk) {}

Pumped TagPump::pump(Buffer& from, Buffer& to, ResponseBody& body, BodyCopy* copy) {
  while (!is_done_ && to.size() < kOutputMax) {
    const std::string_view piece = from.front();
    const BodyStep step = body.next(piece);
    switch (step.kind) {
      case BodyStep::Kind::Pass:
        copy_step(from, step, copy);
        pass(from, to, step.size, body.is_over());
        break;
      case BodyStep::Kind::Replace:  // does not come while framing is removed
      case BodyStep::Kind::Drop:
        copy_step(from, step, copy);
        drop(from, to, step, body);
        break;
      case BodyStep::Kind::NeedMore:
        if (!join_more(from, piece.size())) return Pumped::MayGoOn;
        break;
      case BodyStep::Kind::Over:
        return Pumped::Over;
      case BodyStep::Kind::Broken:
        return Pumped::Broken;
    }
  }
  return body.is_over() ? Pumped::Over : Pumped::MayGoOn;
}

void TagPump::finish(Buffer& to) {
  inserter_.finish(text_);
  write(to);
  is_done_ = true;
}

void TagPump::pass(Buffer& from, Buffer& to, std::size_t size, bool is_last) {
  inserter_.feed(from.front().substr(0, size), text_);
  from.drain(size);
  if (is_last) inserter_.finish(text_);
  write(to);
  is_done_ = inserter_.is_in() && !reads_chunks_;
}

// Handles framing. Up to the end of the chunk with the tag, chunks are written with new sizes;
// later chunks keep their framing. The last chunk is passed on with its trailers.
void TagPump::drop(Buffer& from, Buffer& to, const BodyStep& step, ResponseBody& body) {
  if (body.is_over()) {
    finish(to);
    if (writes_chunks_ && step.text.empty()) return from.move_to(to, step.size);
    if (writes_chunks_) to.append(step.text);
  } else if (inserter_.is_in()) {
    if (writes_chunks_) body.keep_framing();
    is_done_ = true;
  }
  from.drain(step.size);
}

void TagPump::write(Buffer& to) {
  if (text_.empty()) return;
  if (writes_chunks_) {
    append_chunk(to, text_);
  } else {
    to.append(text_);
  }
  text_.clear();
}

}  // namespace hpp::proxyd
