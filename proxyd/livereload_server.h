// Shell. Owns LiveReload's own port and its browsers: serves `/livereload.js` and the WebSocket
// `/livereload`, takes over WebSockets that began on the main port, and tells them all what
// core::Broadcast has for them.
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

  // Listens on both loopback addresses. A port that is taken is worth a warning and no more: all
  // the rest works without. The sockets outlive this process with `manager`.
  void listen(ServiceManager& manager, std::uint16_t port);

  // Goes on with a connection whose request for the WebSocket was read elsewhere, `websocket_key`
  // in it. Its page is of this proxy's own origin. Not from inside a call of the stream's.
  void take_over(Stream& stream, std::string_view websocket_key);

  // Tells every browser what the news mean for it. None can delay another, or the backend's
  // restart.
  void on(const bus::BackendState& backend);
  void on(const bus::TreeState& tree);

 private:
  class Browser;

  void accept(UniqueFd connection);
  void keep(std::unique_ptr<Browser> browser);
  void forget(Browser& browser);
  void tell(const Told& told);
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
