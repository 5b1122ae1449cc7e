// Shell. The LiveReload server: serves `/livereload.js` and the WebSocket `/livereload` on its own
// port, takes over WebSockets that were opened on the main port, and sends to all browsers what
// core::Broadcast decides.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/event/listener.h"
#include "common/event/loop.h"
#include "common/event/stream.h"
#include "common/event/timer.h"
#include "common/service_manager.h"
#include "proxyd/core/reload/broadcast.h"
#include "proxyd/core/reload/refresh_tally.h"

namespace hpp::proxyd {

class LiveReloadServer {
 public:
  // `loop` must outlive the server.
  explicit LiveReloadServer(Loop& loop);
  ~LiveReloadServer();

  // Listens on both loopback addresses. If the port is in use, only logs a warning, because
  // everything else works without LiveReload. The sockets are stored with `manager`, so that they
  // outlive this process.
  void listen(ServiceManager& manager, std::uint16_t port);

  // Takes over a connection whose WebSocket request was read on the main port; `websocket_key` is
  // from that request. The page must be of this proxy's own origin. `is_from_here`: see
  // RequestFacts. Must not be called from a callback of the stream.
  void take_over(Stream& stream, std::string_view websocket_key, bool is_from_here);

  // Sends to every browser what it must do after this message. A slow browser delays neither other
  // browsers nor the backend's restart.
  void on(const bus::BackendState& backend, const FailureNotes& notes = {});
  void on(const bus::TreeState& tree);

 private:
  class Browser;

  void accept(UniqueFd connection);
  void keep(std::unique_ptr<Browser> browser);
  void forget(Browser& browser);
  void send(const Outgoing& outgoing);
  void on(const RefreshReport& report);
  void log_tally(const std::optional<std::string>& line);

  Loop& loop_;
  Broadcast broadcast_;
  RefreshTally tally_;
  Timer tally_timer_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<Browser*, std::unique_ptr<Browser>> browsers_;
};

}  // namespace hpp::proxyd
