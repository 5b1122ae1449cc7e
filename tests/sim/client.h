// Those who ask: scripts and browsers' connections, and one browser that shows a page.
#pragma once

#include <cstdint>
#include <deque>

#include "tests/sim/proxyd.h"
#include "tests/sim/request.h"
#include "tests/sim/world.h"

namespace hpp::sim {

// All requests of a schedule: they outlive those who made them.
using Requests = std::deque<Request>;

// One after another, on one connection as long as that lasts. May reset it or half-close it.
class Client {
 public:
  Client(World& world, Proxyd& proxyd, Requests& requests)
      : world_(world), proxyd_(proxyd), requests_(requests) {}

  // Asks so many times, each time some while after the answer.
  void begin(int times);

  // Asks now, if it waits for nothing.
  void hurry();

  // Ends what never ends by itself, and asks for nothing more.
  void come_to_rest();

  // A plain GET on a new connection.
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
  bool has_fin_ = false;     // ours is sent
  bool said_close_ = false;  // the newest answer on this connection said that it ends it
  TimePoint idle_since_{};   // the newest answer's end
};

// Shows a page, and loads it anew when it is told to.
class Browser {
 public:
  Browser(World& world, Proxyd& proxyd, Requests& requests)
      : world_(world), proxyd_(proxyd), requests_(requests) {}

  void load();

  // `reload`, or the connection of LiveReload is gone: then it reloads when it is back.
  void on_reload();

  // The version of the page that it shows; 0: none, or an error.
  std::uint64_t shows() const { return shows_; }

 private:
  void load_soon(Micros delay);
  void on_news(std::uint64_t load, const ToClient& news);

  World& world_;
  Proxyd& proxyd_;
  Requests& requests_;
  std::uint64_t load_ = 0;  // counts them
  std::uint64_t connection_ = 0;
  Request* request_ = nullptr;
  std::uint64_t shows_ = 0;
};

}  // namespace hpp::sim
