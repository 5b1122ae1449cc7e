// Pure. Decides whether the answer of a process outside the backend's tree, a stranger, counts.
//
// Another program may listen on the backend's port, on some or all of its addresses. An answer
// counts if it comes from an address on which a process of the backend's tree listens. Requests
// then go only to that address. If no such process listens within kStrangerWait, a stranger's
// answer counts as well, because the command may be the client of a daemon that listens (docker
// run). When a process of the tree listens later, requests go to that process.
//
// A backend that ends in Loading while a stranger listens has probably failed to bind its port. It
// is started again when the port is free. If it fails again, the stranger is not the reason; it may
// even belong to the backend (docker-proxy).
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "supervisord/core/events.h"

namespace hpp::supervisord {

// How long a stranger must have listened on the backend's port, while no process of the tree did,
// before its answers count.
constexpr std::chrono::milliseconds kStrangerWait{2'000};

class Strangers {
 public:
  // A generation begins.
  void on_start() {
    is_found_ = false;
    are_accepted_ = false;
  }

  // A stranger listens, and no process of the tree does. Returns whether the answers of any process
  // count from now on. Returns true at most once per generation.
  bool on_found(TimePoint now);

  // An answer has arrived. `is_strangers`: from a stranger instead of the backend.
  void on_answer(bool is_strangers);

  // A change or a request begins a restart, whose failures may have another reason.
  void on_change() { has_blamed_ = false; }

  // The backend has failed, and its processes are gone. Returns whether it must be started again
  // when the port is free. Returns true at most once after each change or answer of the backend.
  bool are_to_blame() { return is_found_ && !std::exchange(has_blamed_, true); }

 private:
  bool is_found_ = false;      // a stranger listens in this generation, and there is no answer yet
  TimePoint since_;            // when a stranger was first found
  bool are_accepted_ = false;  // kStrangerWait has passed
  bool has_blamed_ = false;    // are_to_blame() was true, and no change or answer came since
};

}  // namespace hpp::supervisord
