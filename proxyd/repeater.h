// Shell. Sends kept requests again: to this proxy itself, so that they wait at the barrier and are
// recorded like any other. Discards the answers; the records show what became of them.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "common/event/loop.h"
#include "common/os/socket_address.h"

namespace hpp::proxyd {

class Repeater {
 public:
  // How many requests are under way at a time. Further ones are not sent.
  static constexpr std::size_t kAtOnce = 16;

  // `loop` must outlive the repeater.
  explicit Repeater(Loop& loop);
  ~Repeater();
  Repeater(const Repeater&) = delete;
  Repeater& operator=(const Repeater&) = delete;

  // Sets the address on which this proxy listens. A wildcard address will do.
  void connects_to(const SocketAddress& address) { address_ = address; }

  // `message`: a whole request that ends its connection (core/kept_request.h).
  void send(std::string message);

 private:
  class Sending;

  void end(Sending& sending);

  Loop& loop_;
  SocketAddress address_;
  std::unordered_map<Sending*, std::unique_ptr<Sending>> sendings_;
};

}  // namespace hpp::proxyd
