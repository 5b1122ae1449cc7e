#include "proxyd/core/reuse.h"

namespace hpp::proxyd {

Reuse judge_reuse(const IdleConnection& connection, bool fresh) {
  if (fresh && connection.idle_for >= kFreshFor) return Reuse::No;
  const bool is_risky = connection.body_may_follow && connection.idle_for < kBodyMayFollowFor;
  // Close it, do not keep it: a server that serves one connection at a time would not accept the
  // new connection before this one is closed.
  if (fresh && is_risky) return Reuse::Close;
  const bool is_trusted = !fresh && !is_risky && connection.idle_for < kTrustedFor;
  return is_trusted ? Reuse::Yes : Reuse::IfQuiet;
}

}  // namespace hpp::proxyd
