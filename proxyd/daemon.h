// Shell. Owns the listening sockets, the table of clients and the bus connections of proxyd.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/bus/output_log_reader.h"
#include "common/bus/publisher.h"
#include "common/bus/subscriber.h"
#include "common/event/deferred_call.h"
#include "common/event/listener.h"
#include "common/event/loop.h"
#include "common/event/signals.h"
#include "common/event/timer.h"
#include "common/options.h"
#include "common/service_manager.h"
#include "proxyd/change_queues.h"
#include "proxyd/client.h"
#include "proxyd/core/failure_log.h"
#include "proxyd/core/pages/output_lines.h"
#include "proxyd/editor_runner.h"
#include "proxyd/livereload_server.h"
#include "proxyd/repeater.h"

namespace hpp::proxyd {

class Daemon {
 public:
  // Listens at once; serves while the loop runs. Throws std::runtime_error if the port is in use
  // (the text says by which process), a name cannot be resolved, or the run directory cannot be
  // used.
  Daemon(Loop& loop, const Options& options);

 private:
  void listen(const Options& options);
  void read_bus();
  void on_message(const bus::Message& message);
  void on_tree(const bus::TreeState& tree);
  void on_backend(const bus::BackendState& backend);
  void accept(UniqueFd connection, const SocketAddress& peer);
  void perform(const Switchboard::Effects& effects);
  void perform(const Switchboard::AskSoon& effect);
  void perform(const Switchboard::CountSoon& effect);
  void perform(const Switchboard::Publish& effect);
  void perform(const Switchboard::Reconsider& effect);
  void perform(const Switchboard::Say& effect);
  void ask();
  void report(log::Level level, const std::string& line);
  void end_burst();
  void forget(Client& client);
  void hand_over(Client& client, Stream& stream, const HandOver& effect);
  void on_crash(std::uint64_t generation, const std::string& request);
  void tell_browsers();
  std::string editor_target_of(const bus::BackendState& backend);
  void act_on(const AnswerOwn& asked);
  void send_again(const RequestRecord* record);
  OwnAnswer answer_endpoint(const AnswerOwn& asked, const RequestFacts& request);
  OwnAnswer open_editor();

  Switchboard& switchboard() { return context_.switchboard; }

  Loop& loop_;
  ServiceManager manager_;
  ClientContext context_;
  std::unordered_map<ConnectionId, std::unique_ptr<Client>> clients_;
  ConnectionId next_connection_ = 1;
  EditorRunner editor_;
  LiveReloadServer livereload_;
  Repeater repeater_;
  std::string url_;  // `http://localhost:8000`
  std::optional<bus::OutputLogReader> output_log_;
  OutputLines output_;
  std::optional<bus::Publisher> publisher_;
  std::optional<bus::Subscriber> subscriber_;
  std::optional<ChangeQueues> queues_;
  Timer count_timer_;
  Timer barrier_timer_;
  DeferredCall crash_call_;  // tells browsers which requests the crashed backend had
  FailureLog failures_;
  Timer burst_timer_;       // expires at the end of a burst of failures
  Timer supervisor_timer_;  // expires once, kSupervisorPatience after the start
  std::vector<std::unique_ptr<Listener>> listeners_;
  Signals signals_;
};

}  // namespace hpp::proxyd
