// The backends' processes, and the connections that they serve.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "proxyd/core/reuse.h"
#include "tests/sim/files.h"
#include "tests/sim/request.h"
#include "tests/sim/world.h"

namespace hpp::sim {

// One backend: its first process, and the processes that this one has started.
struct Process {
  std::uint64_t generation = 0;
  std::uint64_t version = 0;   // version of the files when it was spawned and read them
  bool is_mixed = false;       // it has read a checkout that was only partly written
  bool first_is_alive = true;  // the first process is alive
  bool is_alive = true;        // any of its processes is alive
  bool is_killed = false;      // supervisord has killed it; it did not end by itself
  bool listens = false;        // it accepts connections
  bool has_announced = false;  // it has said that it is ready
};

// A part of an answer, from the backend on a connection.
struct FromBackend {
  enum class Is { Interim, Head, End };

  Is is = Is::Head;
  Request* request = nullptr;
  proxyd::ResponseFacts facts;
};

// A connection from proxyd to the backend.
struct Link {
  std::uint64_t number = 0;
  Process* process = nullptr;  // nullptr: not connected yet
  std::uint64_t client = 0;    // proxyd's client connection that uses it; 0: it is idle
  bool is_closed = false;      // proxyd has closed it
  bool was_used = false;       // a request was sent on it
  proxyd::IdleState idle;      // proxyd's rules for it while it is idle
  // At proxyd.
  std::deque<FromBackend> inbox;  // arrived and not read yet
  bool has_ended = false;         // a FIN has arrived
  bool is_broken = false;         // it was reset, or could not be made
  // At the backend.
  bool is_ended_by_process = false;  // the backend has closed it
  bool has_body = false;             // the whole body of the current request has arrived
  TimePoint to_proxyd{};             // when the newest message to proxyd arrives
  TimePoint to_process{};            // when the newest message to the backend arrives
};

using LinkPointer = std::shared_ptr<Link>;

class Processes {
 public:
  Processes(World& world, Files& files) : world_(world), files_(files) {}

  // ---- for supervisord's shell ----

  Process& spawn(std::uint64_t generation);

  // Kills all processes. Calls `on_gone` when the last one is dead, or at once if there is none.
  void kill(std::function<void()> on_gone);

  bool any_is_alive() const;

  // Whether proxyd has a connection to the newest backend, and that is of this generation or an
  // older one.
  bool has_link_until(std::uint64_t generation) const;

  // The newest backend; nullptr: none was ever spawned.
  Process* newest() const { return processes_.empty() ? nullptr : processes_.back().get(); }

  // The backend of this generation; nullptr: there was none.
  Process* of_generation(std::uint64_t generation) const;

  // Called when supervisord can know that a backend's first process has ended.
  std::function<void(Process& process, bool by_signal)> on_exit;
  std::function<void(Process& process)> on_listen;
  std::function<void(Process& process)> on_announce;

  // ---- for proxyd's shell ----

  // Connects, or breaks the link if no backend listens. Either leads to `on_link`.
  void connect(const LinkPointer& link);
  void send_head(const LinkPointer& link, Request& request);
  void send_body(const LinkPointer& link, Request& request);
  void send_fin(const LinkPointer& link, Request& tunnel);  // passes on the client's FIN

  void close(const LinkPointer& link) { link->is_closed = true; }

  // Called when something has arrived on a link.
  std::function<void(const LinkPointer& link)> on_link;

  // Called when a backend executes a request.
  std::function<void(Request& request, const Process& process)> on_run;

 private:
  void boot(Process& process);
  void crash(Process& process);
  void end_all(Process& process);
  void run(const LinkPointer& link, Request& request);
  void respond(const LinkPointer& link, Request& request);
  void end_body(const LinkPointer& link, Request& request, const proxyd::ResponseFacts& facts);
  void end(const LinkPointer& link);
  void maybe_close_idle(const LinkPointer& link);
  void to_proxyd(const LinkPointer& link, std::function<void()> arrives);
  bool can_talk(const LinkPointer& link) const;

  World& world_;
  Files& files_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<LinkPointer> links_;  // connections to the newest backend
};

}  // namespace hpp::sim
