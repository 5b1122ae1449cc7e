// The clients: scripts that send one request after another, and a browser that shows a page.
#pragma once

#include <cstdint>
#include <deque>

#include "tests/sim/proxyd.h"
#include "tests/sim/request.h"
#include "tests/sim/world.h"

namespace hpp::sim {

// All requests of a schedule. They outlive the clients.
using Requests = std::deque<Request>;

// Sends requests one after another, on the same connection while it is open. May reset or
// half-close the connection.
class Client {
 public:
  Client(World& world, Proxyd& proxyd, Requests& requests)
      : world_(world), proxyd_(proxyd), requests_(requests) {}

  // Sends this many requests, each one some time after the previous answer.
  void begin(int times);

  // Sends a request now, unless it waits for an answer.
  void hurry();

  // Stops sending requests, and closes the connection of a tunnel or stream, because these may
  // last forever.
  void come_to_rest();

  // Sends a GET on a new connection.
  Request& ask_once_more();

 private:
  void ask();
  void think();
  bool connect();
  Request& make_request();
  bool send(Request& request);
  void misbehave();
  void on_news(std::uint64_t connection, const ToClient& news);
  void check_fin() const;
  void end_connection();

  World& world_;
  Proxyd& proxyd_;
  Requests& requests_;
  int left_ = 0;
  std::uint64_t thought_ = 0;
  std::uint64_t connection_ = 0;  // 0: none
  std::deque<Request*> waits_for_;
  bool has_fin_ = false;     // the client has sent a FIN
  bool said_close_ = false;  // the newest answer had Connection: close
  TimePoint idle_since_{};   // end of the newest answer
};

// Shows a page, and reloads it on request.
class Browser {
 public:
  Browser(World& world, Proxyd& proxyd, Requests& requests)
      : world_(world), proxyd_(proxyd), requests_(requests) {}

  void load();

  // Called for a `reload`, and when the LiveReload connection has ended. In the second case the
  // page reloads when the connection is back.
  void on_reload();

  // The version of the shown page; 0: none, or an error page.
  std::uint64_t shows() const { return shows_; }

 private:
  void load_soon(Micros delay);
  void on_news(std::uint64_t load, const ToClient& news);

  World& world_;
  Proxyd& proxyd_;
  Requests& requests_;
  std::uint64_t load_ = 0;  // number of loads
  std::uint64_t connection_ = 0;
  Request* request_ = nullptr;
  std::uint64_t shows_ = 0;
};

}  // namespace hpp::sim
