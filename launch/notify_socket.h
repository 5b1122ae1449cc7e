// Shell. Receives the helpers' sd_notify(3) messages, and the descriptors that they store.
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
  // Called with the sender's pid, the message, and the descriptors that were sent with it.
  using OnMessage = std::function<void(pid_t, const Notification&, std::vector<UniqueFd>)>;

  // Creates the socket in the run directory. `run_directory` must outlive this object. Throws
  // std::system_error.
  NotifySocket(Loop& loop, const RunDirectory& run_directory, OnMessage on_message);
  ~NotifySocket();

  // The value of NOTIFY_SOCKET for a helper's environment.
  const std::string& path() const { return path_; }

  // Creates the socket again if its file was deleted. Messages from helpers that are connected to
  // the old socket still arrive. Throws std::system_error.
  void mend();

  // Handles all messages that have arrived. Call it before treating a helper as dead or hung.
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
