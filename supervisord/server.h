// Shell. Owns the backend's first process, its input, its output and the socket that is handed to
// it: starts the process, or takes over one that an earlier supervisord has started.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.h"
#include "common/event/loop.h"
#include "common/options.h"
#include "common/os/socket_address.h"
#include "common/service_manager.h"
#include "supervisord/announcement.h"
#include "supervisord/core/events.h"
#include "supervisord/handed_socket.h"
#include "supervisord/input.h"
#include "supervisord/job.h"
#include "supervisord/output.h"
#include "supervisord/output_log.h"
#include "supervisord/project.h"
#include "supervisord/spare_keeper.h"
#include "supervisord/tree_killer.h"

namespace hpp::supervisord {

// The service manager keeps the process's pidfd and the ends that its output is read from (file
// descriptor store, sd_notify(3)). If supervisord crashes, the next one takes over the process.
class Server {
 public:
  using OnExit = std::function<void(ProcessExited)>;
  using OnSpareFailed = std::function<void(SpareFailed)>;
  using OnSay = std::function<void(const std::string& line)>;

  // `on_exit` is called when the process has ended and its remaining output has been passed on.
  // `on_spare_failed` and `say` are those of SpareKeeper. All reference arguments except `options`
  // must outlive this.
  Server(Loop& loop, ServiceManager& manager, TreeKiller& killer, const Project& project,
         const Options& options, OutletWatch& out, OutletWatch& err, OutputLog& output_log,
         Announcement& announcement, OnExit on_exit, OnSpareFailed on_spare_failed, OnSay say);

  // Starts the command, or opens the gate of a spare. The previous process must be gone. Returns
  // the event that answers Spawn.
  Event start(std::uint64_t generation);

  // Takes over the backend of the previous supervisord, whose last snapshot is `last`. Returns the
  // value of Begun::last.
  std::optional<bus::BackendState> take_over(const std::optional<bus::BackendState>& last);

  // A restart begins, which clears the screen with --clear.
  void on_restart();

  // Passes on the last output, and removes all descriptors from the service manager's store, so
  // that no supervisord takes over.
  void leave();

  // Whether hpp listens in place of the backend (--socket). Then the port is never free.
  bool has_socket() const { return socket_.has_value(); }

  // The processes that probably listen on the backend's port: the backend's first process and, with
  // --socket, this process.
  std::vector<pid_t> likely_listeners() const;

  Output& output() { return output_; }

  SpareKeeper& spares() { return spares_; }

 private:
  SpareKeeper::Means means(OnSpareFailed on_spare_failed, OnSay say);
  ChildRequest request(const std::string& tag, const Output::Ends& ends);
  int handed_socket();
  void spawn(std::uint64_t generation);
  void adopt_spare(std::uint64_t generation);
  Job::OnEnd on_end(std::uint64_t generation);
  void store(std::uint64_t generation);
  void forget_stored();
  std::vector<UniqueFd> take_stored(std::uint64_t generation);
  std::string stored_name(std::uint64_t generation, std::size_t number) const;
  std::string stored_socket_name() const;
  std::size_t stored_count() const;

  Loop& loop_;
  ServiceManager& manager_;
  TreeKiller& killer_;
  const Project& project_;
  std::vector<std::string> command_;
  OnExit on_exit_;
  bool clears_;  // --clear
  OutputLog& output_log_;
  Announcement& announcement_;
  Output output_;
  std::optional<Input> input_;  // --interactive
  std::optional<HandedSocket> socket_;
  std::unique_ptr<Job> job_;
  SpareKeeper spares_;
  std::uint64_t stored_generation_ = 0;  // generation in the service manager's store; 0: none
};

}  // namespace hpp::supervisord
