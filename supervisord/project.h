// Shell. What all processes of one project have in common.
#pragma once

#include <string>
#include <vector>

#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

struct Project {
  std::string directory;                 // path of the project folder
  std::string tag_prefix;                // what HPP_BACKEND of each process begins with
  std::vector<SocketAddress> addresses;  // the backend's, all with one port
  UniqueFd no_input;                     // /dev/null: the stdin of whoever gets no keys
};

}  // namespace hpp::supervisord
