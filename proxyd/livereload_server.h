// Shell. Owns LiveReload's own port: serves `/livereload.js` and the WebSocket `/livereload`, and
// tells its browsers to reload.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/event/listener.h"
#include "common/event/loop.h"
#include "common/service_manager.h"

namespace hpp::proxyd {

class LiveReloadServer {
 public:
  // Listens on both loopback addresses. A port that is taken is worth a warning and no more:
  // everything but LiveReload works without. The sockets outlive this process with `manager`.
  // `loop` must outlive the server.
  LiveReloadServer(Loop& loop, ServiceManager& manager, std::uint16_t port);
  ~LiveReloadServer();

  // Tells every browser. None can delay another, or the backend's restart.
  void reload();

 private:
  class Browser;

  void accept(UniqueFd connection);
  void forget(Browser& browser);

  Loop& loop_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<Browser*, std::unique_ptr<Browser>> browsers_;
};

}  // namespace hpp::proxyd
