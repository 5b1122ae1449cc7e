#include "supervisord/listener_owner.h"

#include "common/os/port_owner.h"

namespace hpp::supervisord {
namespace {

// Returns Yes if one of the processes holds a socket, else Unknown if one cannot be inspected.
Holds any_holds(const std::vector<pid_t>& pids, const std::vector<std::string>& inodes) {
  Holds found = Holds::No;
  for (const pid_t pid : pids) {
    const Holds holds = holds_socket(pid, inodes);
    if (holds == Holds::Yes) return holds;
    if (holds == Holds::Unknown) found = holds;
  }
  return found;
}

}  // namespace

Owner ListenerOwner::of(const SocketAddress& address) {
  const auto inodes = listening_inodes(address);
  if (inodes.empty()) return {.is = Owner::Is::Unknown, .who = {}};  // another machine, or no /proc
  if (any_holds(likely_(), inodes) == Holds::Yes) return {.is = Owner::Is::Tree, .who = {}};
  const Holds tree = any_holds(all_(), inodes);
  if (tree == Holds::Yes) return {.is = Owner::Is::Tree, .who = {}};
  if (inodes != strangers_inodes_) {
    const PortOwner owner = find_socket_owner(inodes);
    // The socket may belong to a process of the tree that cannot be inspected (sudo).
    if (owner.pid == 0 && tree == Holds::Unknown) return {.is = Owner::Is::Unknown, .who = {}};
    strangers_inodes_ = inodes;
    stranger_ = owner.text;
  }
  return {.is = Owner::Is::Stranger, .who = stranger_};
}

}  // namespace hpp::supervisord
