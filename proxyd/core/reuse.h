// Pure. Decides whether an idle connection to the backend may carry a request.
//
// Two things can be wrong with such a connection. The backend may be closing it at this moment,
// because it has been idle for long. Or bytes may still come that belong to the last answer, and
// would pass for the beginning of the next one: some servers send a body with the answer to HEAD,
// or with 204 or 304, and the kernel may deliver it a moment after the head. The kernel can be
// asked, but it only knows what has arrived. So a request that cannot be repeated gets no
// connection with either doubt. Any other request may be repeated on another connection.
#pragma once

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace hpp::proxyd {

// How long a connection may have been idle to carry a request that cannot be repeated. Node and
// uvicorn close idle connections after 5 s, other servers after 2 s.
constexpr std::chrono::milliseconds kFreshFor{1000};
// How long a connection is taken without asking the kernel about it. The question costs a
// twentieth of what a whole request costs.
constexpr std::chrono::milliseconds kTrustedFor{1};
// How long after an answer without a body one may still arrive.
constexpr std::chrono::milliseconds kBodyMayFollowFor{50};

struct IdleConnection {
  std::chrono::steady_clock::duration idle_for{};
  bool body_may_follow = false;  // its last answer was one to HEAD, a 204 or a 304
};

enum class Reuse {
  Yes,
  IfQuiet,  // yes, unless the kernel has received bytes or an end: then close it
  Close,    // close it, and look at the next connection
  No,       // neither this connection nor one that has been idle for longer
};

// `fresh`: the request cannot be repeated, or not once more.
Reuse judge_reuse(const IdleConnection& connection, bool fresh);

// What an idle connection is remembered by.
struct Rest {
  std::chrono::steady_clock::time_point since{};
  bool body_may_follow = false;
};

// Takes the connection that is to carry a request out of `idle`, whose last one is the newest.
// Nothing: a new one has to be made. `Pointer` leads to something with a `Rest rest`. `is_quiet`
// asks the kernel about one; `close` gets each that can carry no request any more.
template <class Pointer, class IsQuiet, class Close>
std::optional<Pointer> take_idle(std::vector<Pointer>& idle, bool fresh,
                                 std::chrono::steady_clock::time_point now, IsQuiet is_quiet,
                                 Close close) {
  while (!idle.empty()) {
    const Rest& rest = idle.back()->rest;
    const Reuse reuse =
        judge_reuse({.idle_for = now - rest.since, .body_may_follow = rest.body_may_follow}, fresh);
    if (reuse == Reuse::No) break;
    Pointer newest = std::move(idle.back());
    idle.pop_back();
    if (reuse == Reuse::Yes || (reuse == Reuse::IfQuiet && is_quiet(newest))) return newest;
    close(std::move(newest));
  }
  return std::nullopt;
}

// A connection whose exchange is complete.
struct Released {
  bool has_ended = false;  // the backend's FIN has come
  bool is_broken = false;
  bool has_input = false;   // bytes have come that belong to no answer
  bool has_output = false;  // the backend has not taken all of the request
};

// Whether it may wait for its next request; if the backend has said that it closes, for that close.
constexpr bool is_clean(const Released& connection) {
  return !connection.has_ended && !connection.is_broken && !connection.has_input &&
         !connection.has_output;
}

}  // namespace hpp::proxyd
