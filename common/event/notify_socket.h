// Shell. Receives sd_notify(3) messages, and the descriptors that come with them.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/notification.h"
#include "common/os/run_directory.h"
#include "common/os/unique_fd.h"

namespace hpp {

class NotifySocket {
 public:
  // Called with the sender's pid, the message, and the descriptors that were sent with it.
  using OnMessage = std::function<void(pid_t, const Notification&, std::vector<UniqueFd>)>;

  // Creates the socket `name` in the run directory, where no other living process may use that
  // name. `kept` is the socket that an earlier process has created there, and is used instead if
  // its file still exists. `run_directory` must outlive this object. Throws std::system_error.
  NotifySocket(Loop& loop, const RunDirectory& run_directory, const char* name,
               OnMessage on_message, UniqueFd kept = {});
  ~NotifySocket();

  // The value of NOTIFY_SOCKET for the environment of the processes that send messages.
  const std::string& path() const { return path_; }

  // Creates the socket again if its file was deleted. Messages from processes that are connected to
  // the old socket still arrive. Throws std::system_error.
  void mend();

  // The newest socket.
  int fd() const { return sockets_.back().fd.get(); }

  // Handles all messages that have arrived. Call it before treating a sender as dead or hung.
  void drain();

 private:
  struct Socket {
    UniqueFd fd;
    std::unique_ptr<FdWatch> readable;
  };

  void open();
  void add(UniqueFd fd);
  bool take_one(int fd);

  Loop& loop_;
  OnMessage on_message_;
  const RunDirectory& directory_;
  const char* name_;
  std::string path_;
  std::vector<Socket> sockets_;  // the newest is the last
};

}  // namespace hpp
