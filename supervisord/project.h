// Shell. The settings that all processes of one project share.
#pragma once

#include <string>
#include <vector>

#include "common/bus/messages.h"
#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

struct Project {
  std::string directory;                       // path of the project folder
  std::vector<std::string> roots;              // further directories with its files (--root)
  bus::AuthorId author = bus::Topic::Backend;  // the backend's name on the bus
  std::string env_file;                  // name in the folder of a file with variables; or empty
  std::string tag_prefix;                // common prefix of HPP_BACKEND in each process
  std::vector<SocketAddress> addresses;  // the backend's addresses, all with the same port
  UniqueFd no_input;                     // /dev/null: stdin of a process that gets no keys
};

}  // namespace hpp::supervisord
