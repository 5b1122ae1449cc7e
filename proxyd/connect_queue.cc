#include "proxyd/connect_queue.h"

namespace hpp::proxyd {

std::uint64_t ConnectQueue::join(Member& member) {
  const std::uint64_t number = ++last_number_;
  if (connecting_ < kAtOnce && waiting_.empty()) {
    ++connecting_;
    member.on_turn();
  } else {
    waiting_.emplace(number, &member);
  }
  return number;
}

void ConnectQueue::leave(std::uint64_t number) {
  if (waiting_.erase(number) > 0) return;
  --connecting_;
  if (!waiting_.empty()) admission_.start();
}

void ConnectQueue::admit() {
  while (connecting_ < kAtOnce && !waiting_.empty()) {
    Member* const next = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    ++connecting_;
    next->on_turn();
  }
}

}  // namespace hpp::proxyd
