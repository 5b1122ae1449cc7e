// Shell. Limits how many backend connections are being made at a time. The others wait in order.
//
// When a backend becomes ready, thousands of requests may have waited for it, and its accept queue
// may have room for only five connections. Linux drops the SYN of each further connection and sends
// it again after one second, then three, then seven (tcp(7), tcp_syn_retries), although the queue
// is empty again within a millisecond. Therefore only a few connections are made at a time, and an
// attempt without an answer is soon replaced by a new one (kPatienceMin in connector.cc).
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
    // Called when the member may connect.
    virtual void on_turn() = 0;

   protected:
    ~Member() = default;
  };

  // `loop` must outlive the queue, and the queue its members.
  explicit ConnectQueue(Loop& loop) : admission_(loop, [this] { admit(); }) {}

  // Returns the number to pass to leave(). If there is room, calls on_turn() before it returns.
  std::uint64_t join(Member& member);

  // Called once for each join, when the member has its connection or does not need one any more.
  void leave(std::uint64_t number);

 private:
  void admit();

  std::uint64_t last_number_ = 0;
  std::size_t connecting_ = 0;
  std::map<std::uint64_t, Member*> waiting_;
  DeferredCall admission_;
};

}  // namespace hpp::proxyd
