// Pure. When the server counts as ready: the value of --ready.
#pragma once

#include <string>

namespace hpp {

struct ReadyWhen {
  enum class Is {
    Answer,      // it answers a request
    Connection,  // it accepts a connection
    Line,        // it has printed a line that matches, and then answers a request
    Message,     // it has sent READY=1 (sd_notify(3)), and then answers a request
  };

  Is is = Is::Answer;
  std::string regex;  // Line: a valid LineRegex

  // Whether the server announces that it is ready, before it is probed.
  bool is_announced() const { return is == Is::Line || is == Is::Message; }

  bool operator==(const ReadyWhen&) const = default;
};

// Reads `http`, `tcp`, `notify` or `line:REGEX`. Throws std::invalid_argument, with a text for the
// user.
ReadyWhen parse_ready_when(const std::string& text);

// The reverse of parse_ready_when().
std::string to_string(const ReadyWhen& ready);

}  // namespace hpp
