// Pure. Decides whether an idle connection to the backend may carry a request.
//
// Such a connection can fail in two ways. The backend may be closing it at this moment, because it
// has been idle for long. Or more bytes of the last answer may arrive, and would be read as the
// beginning of the next one: some servers send a body with the answer to HEAD, or with 204 or 304,
// and it may arrive a moment after the head. proxyd can ask the kernel about both, but the kernel
// only knows what has arrived. Therefore a request that cannot be repeated does not get a
// connection with either risk. Any other request can be repeated on another connection.
//
// A connection that is too old for a request gives way to the new one. Some servers serve one
// connection at a time, or have a worker for each, and would not accept the new one before they see
// the end of the old one. One is enough: each idle connection occupies a worker of its own.
#pragma once

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "common/time_point.h"

namespace hpp::proxyd {

// The longest idle time after which a connection may carry a request that cannot be repeated. Node
// and uvicorn close idle connections after 5 s, other servers after 2 s.
constexpr std::chrono::milliseconds kFreshFor{1000};
// The longest idle time after which a connection is used without asking the kernel. Asking takes a
// twentieth of the time of a whole request.
constexpr std::chrono::milliseconds kTrustedFor{1};
// How long after an answer without a body an unexpected body may still arrive.
constexpr std::chrono::milliseconds kBodyMayFollowFor{50};

struct IdleConnection {
  std::chrono::steady_clock::duration idle_for{};
  bool body_may_follow = false;  // its last answer was for a HEAD, or a 204 or 304
};

enum class Reuse {
  Yes,
  IfQuiet,  // use it, unless the kernel has received bytes or a FIN: then close it
  Close,    // close it, and judge the next connection
  Replace,  // close it, and make a new one: those that have been idle for longer are no better
};

// `fresh`: the request cannot be repeated, or not once more.
Reuse judge_reuse(const IdleConnection& connection, bool fresh);

// The facts to keep about a connection while it is idle.
struct IdleState {
  TimePoint since{};
  bool body_may_follow = false;
};

// Removes from `idle` the connection that the request is to use, and returns it. Nothing: a new
// connection must be made. The connections are sorted by the time since which they are idle, the
// newest last. `Pointer` points to an object with an `IdleState idle`. `is_quiet` asks the kernel
// whether a connection has received nothing; `close` closes a connection that cannot carry another
// request.
template <class Pointer, class IsQuiet, class Close>
std::optional<Pointer> take_idle(std::vector<Pointer>& idle, bool fresh, TimePoint now,
                                 IsQuiet is_quiet, Close close) {
  while (!idle.empty()) {
    const IdleState& state = idle.back()->idle;
    const Reuse reuse = judge_reuse(
        {.idle_for = now - state.since, .body_may_follow = state.body_may_follow}, fresh);
    Pointer newest = std::move(idle.back());
    idle.pop_back();
    if (reuse == Reuse::Yes || (reuse == Reuse::IfQuiet && is_quiet(newest))) return newest;
    close(std::move(newest));
    if (reuse == Reuse::Replace) break;
  }
  return std::nullopt;
}

// A connection whose last answer is complete.
struct Released {
  bool has_ended = false;  // the backend's FIN has come
  bool is_broken = false;
  bool has_input = false;   // there are bytes that do not belong to an answer
  bool has_output = false;  // a part of the request could not be sent yet
};

// Whether the connection may stay open: to wait for its next request, or, if the backend has
// announced that it closes the connection, for that close.
constexpr bool is_clean(const Released& connection) {
  return !connection.has_ended && !connection.is_broken && !connection.has_input &&
         !connection.has_output;
}

}  // namespace hpp::proxyd
