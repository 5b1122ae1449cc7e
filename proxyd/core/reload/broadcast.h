// Pure. Decides what to send to browsers after a message from the bus.
//
//                           clients of LiveReload's protocol    clients of hpp's protocol
//   the backend is killed   `reload`, at once                   –
//   the new one is ready    –                                   they reload
//   the new one crashes     `reload`: the error page comes      the page stays, with an overlay
//   --reload                `reload`                            they reload
//   --css                   `reload` of the style sheet         they swap it, or reload if a swap
//                                                               might not show it
//
// hpp's clients get the whole *state*, as readers of the bus do, and decide themselves what to do.
// Only the newest state counts. Therefore a browser that reads slowly gets only the newest, and a
// browser that connects again after hours needs nothing else. These clients do not reload before
// the new backend is ready, because a page that has begun to reload is lost if the backend crashes.
// The price is that the navigation begins about 10 ms later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.h"
#include "proxyd/core/crash_json.h"
#include "proxyd/core/reload/livereload.h"

namespace hpp::proxyd {

// What to send after one message from the bus.
struct Outgoing {
  std::vector<std::string> official;  // commands for clients of LiveReload's protocol, in order
  bool state = false;                 // whether clients of hpp's protocol get the new state
  std::string why;                    // the reason, for the log; empty if another helper logs it
  bus::RefreshPoint refresh;          // the refresh that `why` is about

  bool operator==(const Outgoing&) const = default;
};

// What a client of hpp's protocol may see.
struct Viewer {
  bool sees_output = false;  // the backend's output, and the error
  bool has_editor = false;   // the button that opens the error's place on this machine
};

class Broadcast {
 public:
  // `notes`: what to say about a failure in addition.
  [[nodiscard]] Outgoing on(const bus::BackendState& backend, const FailureNotes& notes = {});
  [[nodiscard]] Outgoing on(const bus::TreeState& tree);

  // Returns the command `state` for clients of hpp's protocol; empty until supervisord has
  // reported.
  std::string state(const Viewer& viewer) const;

 private:
  bool is_doomed() const;
  bool has_changed();

  RefreshRule rule_;
  std::optional<bus::BackendState> backend_;
  FailureNotes notes_;
  bus::TreePoint tree_;
  bus::Refresh refresh_;
  std::string sent_;  // the last state that was sent, with everything
};

}  // namespace hpp::proxyd
