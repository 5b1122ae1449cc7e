// Pure. The short log lines of a backend's life, which a person reads without --verbose. The
// details are in wording.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/bus/messages.h"
#include "supervisord/core/events.h"

namespace hpp::supervisord {

// `save a fix, or press r + Enter`. `has_keys`: hpp-launch reads keys.
std::string advice(bool has_keys);

// Returns `Running` for `Running: generation 1 …`, a view of `text`; nothing for a line that does
// not begin with a word and a colon.
std::string_view state_word(std::string_view text);

// `waiting: …` for the text `Waiting: …`; a text without a state stays as it is.
Brief plain(const std::string& text);

// Only hpp-supervisord was started again.
inline const Brief kRanOn{.headword = {}, .text = "your server has kept running", .advice = {}};

// No line.
inline Brief silence() {
  return {};
}

// `src/a.py changed, restarting`; `restarting` if the user has asked for it.
Brief restarting(const std::string& why);

// `crashed (exit 1): SyntaxError: '(' was never closed  shop/views.py:5`, with advice; or without
// it, if hpp starts the server again by itself. `facts` must describe the end.
Brief ended(const bus::BackendState& facts, std::string advice);

// `build failed (exit 2): …`, like ended(). `command` is the build's command line.
Brief build_failed(const StepEnded& event, const std::string& command, std::string advice);

// `port 8001 is in use by pid 1234 (node x.js). End it with …`
Brief port_in_use(const std::string& because);

}  // namespace hpp::supervisord
