#include "proxyd/pump.h"

#include <fmt/format.h>

#include <algorithm>

namespace hpp::proxyd {
namespace {

// A chunk line that lies in two pieces is joined this much at a time.
constexpr std::size_t kJoinAtOnce = 4 * 1024;

void move_run(Buffer& from, Buffer& to, std::size_t size, Delivery::Coding coding) {
  if (size == 0) return;
  if (coding != Delivery::Coding::Chunk) return from.move_to(to, size);
  to.append(fmt::format("{:x}\r\n", size));
  from.move_to(to, size);
  to.append("\r\n");
}

}  // namespace

template <bool is_request>
Pumped pump(Buffer& from, Buffer& to, BodyFramer<is_request>& body, Delivery::Coding coding) {
  while (to.size() < kOutputMax) {
    std::string_view piece = from.front();
    std::size_t run = 0;  // bytes at the front that are to be moved in one go
    BodyStep step;
    for (;;) {
      step = body.next(piece.substr(run));
      if (step.kind != BodyStep::Kind::Pass) break;
      run += step.size;
    }
    move_run(from, to, run, coding);
    switch (step.kind) {
      case BodyStep::Kind::Pass:
        break;  // not after the loop above
      case BodyStep::Kind::Drop:
        from.drain(step.size);
        break;
      case BodyStep::Kind::NeedMore: {
        const std::size_t joined = piece.size() - run;
        if (joined == from.size()) return Pumped::MayGoOn;
        if (joined > 0) from.pull_up(joined + kJoinAtOnce);
        break;
      }
      case BodyStep::Kind::Over:
        return Pumped::Over;
      case BodyStep::Kind::Broken:
        return Pumped::Broken;
    }
  }
  return body.is_over() ? Pumped::Over : Pumped::MayGoOn;
}

void append_last_chunk(Buffer& to) {
  to.append("0\r\n\r\n");
}

template Pumped pump(Buffer&, Buffer&, BodyFramer<true>&, Delivery::Coding);
template Pumped pump(Buffer&, Buffer&, BodyFramer<false>&, Delivery::Coding);

}  // namespace hpp::proxyd
