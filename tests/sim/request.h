// A request, the backend's reaction to it, and what has happened to it.
#pragma once

#include <cstdint>

#include "proxyd/core/http/head.h"

namespace hpp::sim {

struct Request {
  std::uint64_t id = 0;
  proxyd::RequestFacts facts;

  // How the backend reacts to the request.
  enum class Kind {
    Plain,
    Stream,  // the answer is an event stream that ends late or never
    Tunnel,  // the answer is 101, and the connection becomes a tunnel
    Killer,  // the backend crashes
    Orphan,  // the backend closes the connection without an answer
  };

  Kind kind = Kind::Plain;

  // At proxyd.

  std::uint64_t version = 0;   // version of the files when the head arrived
  bool is_settled = false;     // proxyd has decided how new the backend has to be
  bool is_barred = false;      // the barrier was strict at that decision
  bool must_be_fresh = false;  // whether it had to be fresh when it was last forwarded
  bool was_sent = false;       // a backend connection was made for it
  bool must_not_run = false;   // the client went away while proxyd held the request
  std::uint64_t crashed = 0;   // generation whose failure was reported while proxyd had the request
  // In backends.
  int runs = 0;              // how often a backend has run it
  bool is_all_sent = false;  // the newest backend that ran it has sent the answer's whole body
  // At the client.
  int answers = 0;          // number of answers
  int status = 0;           // status of the answer; 0: no answer has begun
  std::uint64_t shown = 0;  // version of the files that the answer comes from; 0: unknown
  bool is_cut = false;      // the connection ended before the answer did
};

}  // namespace hpp::sim
