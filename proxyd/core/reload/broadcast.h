// Pure. Decides what browsers are told when the bus has news.
//
//                        clients of the official protocol     clients of our own
//   a change kills       reload, at once                      –
//   the new one answers  –                                    they reload
//   it crashes           reload: the error page replaces      the page stays, and shows why
//   --reload             reload                               they reload
//   --css                the style sheet by its path          they swap it, or reload if they
//                                                             cannot for certain
//
// Ours are told the *state*, as the bus tells its readers, and what to do is theirs to find out:
// the newest is right whatever a browser has missed, so one that does not read gets only the
// newest, and one that comes back after a night is told no more than one that was there. They
// reload when the new backend answers and not before, because a page that has asked for its
// successor is lost when that crashes. It costs them the start of a navigation, some 10 ms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.h"
#include "proxyd/core/reload/livereload.h"

namespace hpp::proxyd {

// What to tell after one message of the bus.
struct Told {
  std::vector<std::string> official;  // commands, in order
  bool state = false;                 // clients of our own get it anew
  std::string why;                    // for the log, where no other helper says it
  bus::RefreshPoint refresh;          // the batch that `why` is about

  bool operator==(const Told&) const = default;
};

class Broadcast {
 public:
  [[nodiscard]] Told on(const bus::BackendState& backend);
  [[nodiscard]] Told on(const bus::TreeState& tree);

  // The command `state` for clients of our own; empty while nothing is known. `shows_output`:
  // whether that reader may see what the backend printed.
  std::string state(bool shows_output) const;

 private:
  bool is_doomed() const;
  bool has_changed();

  RefreshRule rule_;
  std::optional<bus::BackendState> backend_;
  bus::TreePoint tree_;
  bus::Refresh refresh_;
  std::string told_;  // the last state, in full
};

}  // namespace hpp::proxyd
