// Shell. Finds out whether a process of the backend's tree or a stranger listens on an address.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "common/os/socket_address.h"

namespace hpp::supervisord {

struct Owner {
  enum class Is {
    Tree,      // a process of the backend's tree has the socket
    Stranger,  // a process outside the tree has it, and none within
    Unknown,   // /proc does not show an owner
  };

  Is is = Is::Unknown;
  std::string who;  // the stranger: `pid 1234 (node x.js)`
};

class ListenerOwner {
 public:
  using FindProcesses = std::function<std::vector<pid_t>()>;

  // `likely` returns the processes of the tree to check first, which costs microseconds. `all`
  // returns all processes of the tree.
  ListenerOwner(FindProcesses likely, FindProcesses all)
      : likely_(std::move(likely)), all_(std::move(all)) {}

  // Returns the owner of the socket that a connection to `address` reaches. If several processes
  // share the socket, or several sockets share the address (SO_REUSEPORT), the owner is the tree if
  // one of the processes belongs to it.
  Owner of(const SocketAddress& address);

 private:
  FindProcesses likely_;
  FindProcesses all_;
  // The last stranger and its sockets, as a cache: of() is called repeatedly, and a search through
  // all processes is expensive.
  std::vector<std::string> strangers_inodes_;
  std::string stranger_;
};

}  // namespace hpp::supervisord
