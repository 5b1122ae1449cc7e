#include "proxyd/pump.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace hpp::proxyd {
namespace {

// How many bytes to join at a time if a chunk line is in two pieces of the buffer.
constexpr std::size_t kJoinAtOnce = 4 * 1024;
// A shorter body is copied, because the pipe costs time as well.
constexpr std::uint64_t kShortcutMin = 256 * 1024;
// How many bytes one system call takes from a socket, and after how many calls other connections
// get their turn.
constexpr std::size_t kSpliceMax = 1024 * 1024;
constexpr int kSplicesPerTurn = 8;

// `size` bytes must be in one piece.
void move_run(Buffer& from, Buffer& to, std::size_t size, Delivery::Coding coding, BodyCopy* copy) {
  if (size == 0) return;
  if (copy != nullptr) copy->add(from.front().substr(0, size));
  if (coding != Delivery::Coding::Chunk) return from.move_to(to, size);
  to.append(fmt::format("{:x}\r\n", size));
  from.move_to(to, size);
  to.append("\r\n");
}

}  // namespace

template <bool is_request>
Pumped pump(Buffer& from, Buffer& to, BodyFramer<is_request>& body, Delivery::Coding coding,
            BodyCopy* copy) {
  while (to.size() < kOutputMax) {
    std::string_view piece = from.front();
    std::size_t run = 0;  // how many bytes at the front are moved together
    BodyStep step;
    for (;;) {
      step = body.next(piece.substr(run));
      if (step.kind != BodyStep::Kind::Pass) break;
      run += step.size;
    }
    move_run(from, to, run, coding, copy);
    switch (step.kind) {
      case BodyStep::Kind::Pass:
        break;  // the loop above does not end with Pass
      case BodyStep::Kind::Replace:
        to.append(step.text);
        copy_step(from, step, copy);
        from.drain(step.size);
        break;
      case BodyStep::Kind::Drop:
        copy_step(from, step, copy);
        from.drain(step.size);
        break;
      case BodyStep::Kind::NeedMore:
        if (!join_more(from, piece.size() - run)) return Pumped::MayGoOn;
        break;
      case BodyStep::Kind::Over:
        return Pumped::Over;
      case BodyStep::Kind::Broken:
        return Pumped::Broken;
    }
  }
  return body.is_over() ? Pumped::Over : Pumped::MayGoOn;
}

void copy_step(const Buffer& from, const BodyStep& step, BodyCopy* copy) {
  if (copy == nullptr) return;
  copy->add(step.text.empty() ? from.front().substr(0, step.size) : step.text);
}

void append_chunk(Buffer& to, std::string_view content) {
  to.append(fmt::format("{:x}\r\n", content.size()));
  to.append(content);
  to.append("\r\n");
}

void append_last_chunk(Buffer& to) {
  to.append("0\r\n\r\n");
}

bool join_more(Buffer& from, std::size_t size) {
  if (size == from.size()) return false;
  if (size > 0) from.pull_up(size + kJoinAtOnce);
  return true;
}

BodyPump::~BodyPump() {
  if (pipe_) pipes_.put_back(std::move(pipe_));
}

template <bool is_request>
Pumped BodyPump::pump(Stream& from, Stream& to, BodyFramer<is_request>& body,
                      Delivery::Coding coding, BodyCopy* copy) {
  if (pipe_) return splice(from, to, body);
  const Pumped pumped = proxyd::pump(from.input(), to.output(), body, coding, copy);
  const bool may_be_short = body.framing() == Framing::UntilClose;
  const bool is_kept = copy != nullptr && copy->is_whole() && may_be_short;
  const bool fits = pumped == Pumped::MayGoOn && coding == Delivery::Coding::AsItCame &&
                    body.plain_left() >= kShortcutMin && !is_kept && from.input().empty() &&
                    from.may_splice() && to.may_splice();
  if (!fits) return pumped;
  to.flush();
  if (!to.output_done() || !to.takes_output()) return pumped;
  pipe_ = pipes_.take();
  if (!pipe_) return pumped;
  from.set_spliced(true);
  if (copy != nullptr) copy->leave_out();
  return splice(from, to, body);
}

template <bool is_request>
Pumped BodyPump::splice(Stream& from, Stream& to, BodyFramer<is_request>& body) {
  for (int i = 0; i < kSplicesPerTurn; ++i) {
    if (!to.drain_pipe(*pipe_)) return Pumped::MayGoOn;
    if (body.is_over() || !to.takes_output()) {
      abandon(from);
      return body.is_over() ? Pumped::Over : Pumped::MayGoOn;
    }
    const auto max = std::min<std::uint64_t>(body.plain_left(), kSpliceMax);
    if (!from.fill_pipe(*pipe_, static_cast<std::size_t>(max))) return Pumped::MayGoOn;
    body.skip(pipe_->held());
  }
  from.continue_later();
  return Pumped::MayGoOn;
}

bool BodyPump::leave_shortcut(Stream& from, Stream& to) {
  if (pipe_ && !to.drain_pipe(*pipe_)) return false;
  abandon(from);
  return true;
}

void BodyPump::abandon(Stream& from) {
  if (!pipe_) return;
  pipes_.put_back(std::move(pipe_));
  from.set_spliced(false);
}

template Pumped pump(Buffer&, Buffer&, BodyFramer<true>&, Delivery::Coding, BodyCopy*);
template Pumped pump(Buffer&, Buffer&, BodyFramer<false>&, Delivery::Coding, BodyCopy*);
template Pumped BodyPump::pump(Stream&, Stream&, BodyFramer<true>&, Delivery::Coding, BodyCopy*);
template Pumped BodyPump::pump(Stream&, Stream&, BodyFramer<false>&, Delivery::Coding, BodyCopy*);

}  // namespace hpp::proxyd
