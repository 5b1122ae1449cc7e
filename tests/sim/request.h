// A request, what it asks of the backend, and what has become of it.
#pragma once

#include <cstdint>

#include "proxyd/core/http/head.h"

namespace hpp::sim {

struct Request {
  std::uint64_t id = 0;
  proxyd::RequestFacts facts;

  // What the backend makes of it.
  enum class Kind {
    Plain,
    Stream,  // never ends, or late
    Tunnel,  // 101
    Killer,  // crashes the backend
    Orphan,  // the backend closes the connection without a word
  };

  Kind kind = Kind::Plain;

  // At proxyd.

  std::uint64_t version = 0;   // of the files when its head arrived
  bool is_settled = false;     // how new its backend has to be
  bool is_barred = false;      // that was settled while the barrier was strict
  bool must_be_fresh = false;  // as it was forwarded last
  bool must_not_run = false;   // its client was gone while it was held
  std::uint64_t crashed = 0;   // its backend's generation has failed, proxyd knows, and it was
                               // there then
  // In backends.
  int runs = 0;
  bool is_all_sent = false;  // the answer's body, by the newest that has run it
  // At the client.
  int answers = 0;
  int status = 0;           // of the answer; 0: none has begun
  std::uint64_t shown = 0;  // the version that the answer comes from; 0: from none
  bool is_cut = false;      // its connection ended first
};

}  // namespace hpp::sim
