#include "proxyd/core/http/body.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace hpp::proxyd {

template <bool is_request>
void BodyFramer<is_request>::begin(Framing framing, std::uint64_t length, bool keep_framing) {
  framing_ = framing;
  left_ = length;
  passed_ = 0;
  keep_framing_ = keep_framing;
  over_ = framing == Framing::None;
}

template <bool is_request>
BodyStep BodyFramer<is_request>::next(std::string_view text) {
  const BodyStep next = step(text);
  if (next.kind == BodyStep::Kind::Pass || next.kind == BodyStep::Kind::Replace) {
    passed_ += next.size;
  }
  return next;
}

template <bool is_request>
BodyStep BodyFramer<is_request>::step(std::string_view text) {
  if (over_) return {.kind = BodyStep::Kind::Over};
  if (text.empty()) return {.kind = BodyStep::Kind::NeedMore};
  switch (framing_) {
    case Framing::None:
      return {.kind = BodyStep::Kind::Over};
    case Framing::Length: {
      const auto size = std::min<std::uint64_t>(left_, text.size());
      left_ -= size;
      over_ = left_ == 0;
      return {.kind = BodyStep::Kind::Pass, .size = size};
    }
    case Framing::Chunked:
      return step_chunked(text);
    case Framing::UntilClose:
      return {.kind = BodyStep::Kind::Pass, .size = text.size()};
  }
  return {.kind = BodyStep::Kind::Broken};
}

template <bool is_request>
BodyStep BodyFramer<is_request>::step_chunked(std::string_view text) {
  const ChunkStep step = parser_.read_chunk(text);
  const auto framing = !keep_framing_         ? BodyStep::Kind::Drop
                       : step.instead.empty() ? BodyStep::Kind::Pass
                                              : BodyStep::Kind::Replace;
  switch (step.kind) {
    case ChunkStep::Kind::NeedMore:
      return {.kind = BodyStep::Kind::NeedMore};
    case ChunkStep::Kind::Framing:
      return {.kind = framing, .size = step.size, .text = step.instead};
    case ChunkStep::Kind::Payload:
      return {.kind = BodyStep::Kind::Pass, .size = step.size};
    case ChunkStep::Kind::Last:
      over_ = true;
      return {.kind = framing, .size = step.size, .text = step.instead};
    case ChunkStep::Kind::Broken:
      return {.kind = BodyStep::Kind::Broken};
  }
  return {.kind = BodyStep::Kind::Broken};
}

template <bool is_request>
std::uint64_t BodyFramer<is_request>::plain_left() const {
  if (over_) return 0;
  switch (framing_) {
    case Framing::Length:
      return left_;
    case Framing::UntilClose:
      return std::numeric_limits<std::uint64_t>::max();
    case Framing::None:
    case Framing::Chunked:
      return 0;
  }
  return 0;
}

template <bool is_request>
void BodyFramer<is_request>::skip(std::uint64_t size) {
  assert(size <= plain_left());
  passed_ += size;
  if (framing_ != Framing::Length) return;
  left_ -= size;
  over_ = left_ == 0;
}

template class BodyFramer<true>;
template class BodyFramer<false>;

}  // namespace hpp::proxyd
