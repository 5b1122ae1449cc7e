// Messages with file descriptors over Unix sockets (SCM_RIGHTS, unix(7)). Each message must keep
// its boundaries, so the socket must be of type SOCK_DGRAM or SOCK_SEQPACKET.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/os/unique_fd.h"

namespace hpp {

// The kernel's limit for the descriptors in one message.
constexpr std::size_t kMessageFdsMax = 253;

// Sends the text with duplicates of the descriptors. Returns an errno value; 0: it was sent.
int send_message(int socket, std::string_view text, const std::vector<int>& fds);

struct FdMessage {
  std::string text;           // empty at the end of a connection
  std::vector<UniqueFd> fds;  // close-on-exec
  pid_t sender = 0;           // 0: the socket has no SO_PASSCRED
};

// Receives one message, without waiting; bytes beyond `size_max` are lost. Returns nothing if there
// is no message, and sets errno.
std::optional<FdMessage> receive_message(int socket, std::size_t size_max);

}  // namespace hpp
