#include "proxyd/core/reuse.h"

namespace hpp::proxyd {

Reuse judge_reuse(const IdleConnection& connection, bool fresh) {
  if (fresh && connection.idle_for >= kFreshFor) return Reuse::Replace;
  const bool is_risky = connection.body_may_follow && connection.idle_for < kBodyMayFollowFor;
  if (fresh && is_risky) return Reuse::Close;
  const bool is_trusted = !fresh && !is_risky && connection.idle_for < kTrustedFor;
  return is_trusted ? Reuse::Yes : Reuse::IfQuiet;
}

}  // namespace hpp::proxyd
