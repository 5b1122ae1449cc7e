// Reads the snapshots of other authors: one nng SUB socket for all topics that a program wants.
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

  // Subscribes to `authors` in `run_directory`, now or whenever they appear, again
  // after they restart; as one who is to hear of tickets, or not. Repeats and older messages are
  // dropped, and so is, with one warning, what does not parse. Throws std::runtime_error if no
  // socket can be had.
  Subscriber(Loop& loop, const std::string& run_directory, const std::vector<AuthorId>& authors,
             Audience audience, OnMessage on_message);
  ~Subscriber();

  // Takes in what has come by now, which the loop would do in its next turn.
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
