// Shell. Lets a few backend connections be made at a time, in the order in which they are wanted.
//
// When a backend comes up, thousands of requests may have waited for it. Its accept queue may hold
// five: Linux drops the SYN of each further connection and repeats it after one second, then three,
// then seven (tcp(7), tcp_syn_retries), although the queue is empty again within a millisecond. So
// only a few are made at once, and an attempt that is not answered at once is soon made anew
// (kPatienceMin in connector.cc).
#pragma once

#include <cstdint>
#include <map>

#include "common/event/deferred_call.h"
#include "common/event/loop.h"

namespace hpp::proxyd {

class ConnectQueue {
 public:
  static constexpr std::size_t kAtOnce = 16;

  class Member {
   public:
    // It may connect now.
    virtual void on_turn() = 0;

   protected:
    ~Member() = default;
  };

  // `loop` must outlive the queue, and the queue its members.
  explicit ConnectQueue(Loop& loop) : admission_(loop, [this] { admit(); }) {}

  // Returns the number to leave by. Where there is room, on_turn() comes before this returns.
  std::uint64_t join(Member& member);

  // The member has its connection, or wants none any more. Called once for each join.
  void leave(std::uint64_t number);

 private:
  void admit();

  std::uint64_t last_number_ = 0;
  std::size_t connecting_ = 0;
  std::map<std::uint64_t, Member*> waiting_;
  DeferredCall admission_;
};

}  // namespace hpp::proxyd
