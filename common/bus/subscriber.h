// Reads the snapshots of other authors, with one nng SUB socket for all authors.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/bus/codec.h"
#include "common/bus/endpoints.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"

namespace hpp::bus {

class Subscriber {
 public:
  // Called with each snapshot that is newer than the last one of its author (author_of()).
  using OnMessage = std::function<void(const Message&)>;

  // Subscribes to `authors` in `run_directory`. Connects when they appear, and again after they
  // restart. Drops repetitions and older messages, and texts that are not messages with one
  // warning. Throws std::runtime_error if a socket cannot be opened, or if the path of an author's
  // socket is too long.
  Subscriber(Loop& loop, const std::string& run_directory, const std::vector<AuthorId>& authors,
             Audience audience, OnMessage on_message);
  ~Subscriber();

  // Reads the messages that have arrived; otherwise the loop does so in its next turn.
  void read_now() { drain(); }

 private:
  struct Socket;

  void drain();
  void take(std::string_view text);

  OnMessage on_message_;
  std::unique_ptr<Socket> socket_;
  std::unique_ptr<FdWatch> readable_;
  std::map<AuthorId, Stamp> newest_;
  bool malformed_told_ = false;
};

}  // namespace hpp::bus
