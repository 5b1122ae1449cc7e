// Shell. Sees whether the backend's own processes listen on an address, or a stranger does.
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
    Unknown,   // /proc does not say
  };

  Is is = Is::Unknown;
  std::string who;  // the stranger: `pid 1234 (node x.js)`
};

class ListenerOwner {
 public:
  using FindProcesses = std::function<std::vector<pid_t>()>;

  // `likely`: processes of the tree to look at first, which costs microseconds; `all`: the tree.
  ListenerOwner(FindProcesses likely, FindProcesses all)
      : likely_(std::move(likely)), all_(std::move(all)) {}

  // The owner of the socket that a connection to `address` reaches. One socket that several
  // processes share belongs to the tree if one of them does; so does an address that several
  // sockets share (SO_REUSEPORT).
  Owner of(const SocketAddress& address);

 private:
  FindProcesses likely_;
  FindProcesses all_;
  // The last stranger: to find a process among all is expensive, and this is asked again and again.
  std::vector<std::string> strangers_inodes_;
  std::string stranger_;
};

}  // namespace hpp::supervisord
