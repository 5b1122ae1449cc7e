// Pure. Whose answers count while the backend loads.
//
// Another program may listen on the backend's port, on one of its addresses at least. An answer
// counts if a process of the backend's tree listens where it came from, and requests go to that
// address alone. If no such process listens within kStrangerWait, a stranger's answer counts, too:
// the command may be a client of a daemon that listens (docker run). As soon as a process of the
// tree listens after all, requests go there.
//
// A backend that ends while it loads and a stranger listens has probably failed to bind its port:
// it is started again when the port is free. If it fails once more, the stranger is not the reason:
// it may be the backend's own (docker-proxy).
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "supervisord/core/events.h"

namespace hpp::supervisord {

// How long a process outside the backend's tree must have listened on the backend's port, with no
// process of the tree beside it, until its answers count.
constexpr std::chrono::milliseconds kStrangerWait{2'000};

class Strangers {
 public:
  // A generation begins.
  void on_start() {
    is_found_ = false;
    are_accepted_ = false;
  }

  // One listens where no process of the tree does. Returns whether answers of any process count
  // from now on; that is decided once in a generation.
  bool on_found(TimePoint now);

  // The backend has answered, or a stranger for it.
  void on_answer(bool is_strangers);

  // The next failures may have another reason.
  void on_change() { has_blamed_ = false; }

  // The backend has failed and is gone. Returns whether it is to be started again when the port is
  // free.
  bool are_to_blame() { return is_found_ && !std::exchange(has_blamed_, true); }

 private:
  bool is_found_ = false;      // in this generation, and there is no answer yet
  TimePoint since_;            // when one was first found
  bool are_accepted_ = false;  // kStrangerWait is over
  bool has_blamed_ = false;    // since the last change
};

}  // namespace hpp::supervisord
