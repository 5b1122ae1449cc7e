// Shell. Owns the listening sockets, the table of clients and the bus connections of proxyd.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/bus/publisher.h"
#include "common/bus/subscriber.h"
#include "common/event/listener.h"
#include "common/event/loop.h"
#include "common/event/signals.h"
#include "common/event/timer.h"
#include "common/options.h"
#include "common/service_manager.h"
#include "proxyd/client.h"
#include "proxyd/core/failure_log.h"
#include "proxyd/livereload_server.h"

namespace hpp::proxyd {

class Daemon {
 public:
  // Listens at once; serves while the loop runs. Throws std::runtime_error: the port is taken (by
  // whom), a name cannot be resolved, the run directory cannot be used.
  Daemon(Loop& loop, const Options& options);

 private:
  void read_bus();
  void on_message(const bus::Message& message);
  void on_tree(const bus::TreeState& tree);
  void on_backend(const bus::BackendState& backend);
  void accept(UniqueFd connection, const SocketAddress& peer);
  void reconsider_all();
  void reconsider_queue();
  std::uint64_t take_ticket();
  std::uint64_t take_doubt();
  void report(log::Level level, const std::string& line);
  void end_burst();
  void ask_soon();
  void ask();
  void tell_of_barrier();
  void tell_of_supervisor();
  void tell_of(bool& told, bool is_there, const char* trouble, const char* end);
  void forget(Client& client);
  void hand_over(Client& client, Stream& stream, const std::string& websocket_key);
  void publish_soon();
  void publish();
  bus::ProxyState state_now() const;
  OwnAnswer answer_endpoint(OwnEndpoint endpoint, const RequestFacts& request);

  Loop& loop_;
  ServiceManager manager_;
  ClientContext context_;
  std::vector<std::string> listening_;
  std::unordered_map<Client*, std::unique_ptr<Client>> clients_;
  LiveReloadServer livereload_;
  std::optional<bus::Publisher> publisher_;
  std::optional<bus::Subscriber> subscriber_;
  Timer publish_timer_;
  Timer barrier_timer_;
  FailureLog failures_;
  Timer burst_timer_;       // the end of a burst of failures
  Timer supervisor_timer_;  // once: has it been heard by then?
  bus::ProxyState state_;   // as it was published last
  bool asking_ = false;     // at the end of this turn
  bool lapse_told_ = false;
  bool silence_told_ = false;  // of supervisord
  std::vector<std::unique_ptr<Listener>> listeners_;
  Signals signals_;
};

}  // namespace hpp::proxyd
