// The way without a ticket (common/bus/idle.h): as watchd/queue_server.cc and
// proxyd/change_queues.cc, with the connection between them and the kernel's queues.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "common/bus/idle.h"
#include "tests/sim/world.h"
#include "watchd/inotify/core/queue.h"

namespace hpp::sim {

// A queue of the kernel. It exists as long as a process has it open.
struct KernelQueue {
  std::string token;
  std::uint64_t position = 0;
  std::deque<watchd::inotify::QueueEvent> events{};
};

class IdleReports {
 public:
  explicit IdleReports(World& world) : world_(world) {}

  // ---- watchd ----

  void start_watchd() { is_served_ = true; }

  // The kernel closes the connection.
  void end_watchd();

  void begin_work();
  void withdraw();
  void report(const bus::IdlePoint& point, const std::shared_ptr<KernelQueue>& queue);

  // ---- proxyd ----

  void connect();
  std::optional<bus::IdlePoint> look() const;
  void end_proxyd();

 private:
  struct Offer {
    std::shared_ptr<KernelQueue> queue;
    std::uint64_t epoch = 0;
    std::uint64_t page = 0;
  };

  enum class Connection { None, Open, Ended };

  void send();

  World& world_;
  bool is_served_ = false;        // watchd runs
  std::shared_ptr<Offer> offer_;  // watchd's
  std::shared_ptr<Offer> held_;   // proxyd's
  Connection connection_ = Connection::None;
  int unread_ = 0;                 // messages to proxyd that have not arrived
  std::uint64_t incarnation_ = 0;  // number of the connection
};

}  // namespace hpp::sim
