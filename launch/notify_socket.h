// Shell. Hears what the helpers tell their service manager, and takes what they want kept.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/run_directory.h"
#include "common/os/unique_fd.h"
#include "launch/core/notification.h"

namespace hpp::launch {

class NotifySocket {
 public:
  // Called with each message, who has sent it, and the descriptors that came with it.
  using OnMessage = std::function<void(pid_t, const Notification&, std::vector<UniqueFd>)>;

  // Makes the socket in the run directory, which must outlive this. Throws std::system_error.
  NotifySocket(Loop& loop, const RunDirectory& run_directory, OnMessage on_message);
  ~NotifySocket();

  // For NOTIFY_SOCKET in the environment of a helper.
  const std::string& path() const { return path_; }

  // Makes it anew if somebody has deleted it. Those who are connected are still heard.
  // Throws std::system_error.
  void mend();

  // Takes what has come by now: before its sender is taken for dead or hung.
  void drain();

 private:
  struct Socket {
    UniqueFd fd;
    std::unique_ptr<FdWatch> readable;
  };

  void open();
  bool take_one(int fd);

  Loop& loop_;
  OnMessage on_message_;
  const RunDirectory& directory_;
  std::string path_;
  std::vector<Socket> sockets_;  // the newest is the last
};

}  // namespace hpp::launch
