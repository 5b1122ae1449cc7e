// Shell. Waits until the backend announces that it is ready: in a line of its output, or with the
// message READY=1 of sd_notify(3) (--ready line, --ready notify).
//
// All processes of the command get the same NOTIFY_SOCKET. A message counts if its sender belongs
// to the backend's process tree. A sender that has ended already is believed, because
// systemd-notify(1) ends at once. It cannot be an earlier generation: all processes of that are
// dead before the next one is spawned, and their messages are thrown away then. The service manager
// keeps the socket, so that no message gets lost if supervisord crashes.
//
// What a spare has printed before its gate was opened does not count. If supervisord is killed
// after it has read a part of the line, the next one does not recognise the line.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/bus/messages.h"
#include "common/bus/output_record.h"
#include "common/event/loop.h"
#include "common/event/notify_socket.h"
#include "common/os/run_directory.h"
#include "common/ready_when.h"
#include "common/service_manager.h"
#include "supervisord/core/ready_line.h"
#include "supervisord/sight_report.h"

namespace hpp::supervisord {

class Announcement {
 public:
  struct Handlers {
    std::function<std::vector<pid_t>()> processes;  // the living processes of the backend's tree
    std::function<void()> on_announced;             // once per start()
    // Why there is no announcement yet. Both are called as SightReport says, after start().
    SightReport::OnSight on_sight;
    SightReport::OnSight on_late;
  };

  // Does nothing unless `when` is Line or Message. `loop` and `manager` must outlive this. Throws
  // what RunDirectory and NotifySocket throw.
  Announcement(Loop& loop, ServiceManager& manager, const ReadyWhen& when,
               const std::string& run_directory, const bus::AuthorId& author, Handlers handlers);

  // Adds NOTIFY_SOCKET to the environment of a process of the command. Creates the socket again if
  // its file was deleted. Throws std::runtime_error.
  void complete(std::vector<std::pair<std::string, std::string>>& environment);

  // Throws away the messages of earlier generations, all of whose processes must be dead.
  void forget_messages();

  // The backend was spawned, or taken over.
  void start();

  void stop();

  // The backend has printed this.
  void on_output(bus::OutputStream stream, std::string_view bytes);

  // Removes the socket from the service manager's store.
  void leave();

 private:
  void store();
  UniqueFd take_stored();
  void on_message(pid_t sender, const Notification& notification);
  bool is_trusted(pid_t sender);
  void announce();

  ServiceManager& manager_;
  Handlers handlers_;
  std::string stored_name_;
  std::string regex_;
  std::optional<ReadyLine> line_;
  std::optional<RunDirectory> directory_;
  std::optional<NotifySocket> socket_;
  int stored_fd_ = -1;  // the socket in the service manager's store
  SightReport report_;
  bool is_waiting_ = false;
  std::optional<pid_t> trusted_;    // the last sender since start() that belonged to the tree
  std::optional<pid_t> untrusted_;  // the last one that did not
};

}  // namespace hpp::supervisord
