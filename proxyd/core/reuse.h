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

}  // namespace hpp::proxyd
