// The backend's processes, and the connections that they serve.
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

// One backend: the first process and those that it has started.
struct Process {
  std::uint64_t generation = 0;
  std::uint64_t version = 0;  // of the files that it has read, at the instant of its spawn
  bool is_mixed = false;      // it has read half a checkout
  bool first_is_alive = true;
  bool is_alive = true;    // any of them
  bool is_killed = false;  // and did not end of its own accord
  bool listens = false;
};

// What comes from the backend on a connection.
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
  bool is_closed = false;      // by proxyd
  bool was_used = false;
  proxyd::Rest rest;  // while it is idle
  // What has arrived at proxyd.
  std::deque<FromBackend> inbox;
  bool has_ended = false;  // FIN
  bool is_broken = false;  // reset, or could not be made
  // At the backend.
  bool is_ended_by_process = false;
  bool has_body = false;  // all of the body of the request under way has come
  TimePoint to_proxyd{};
  TimePoint to_process{};
};

using LinkPointer = std::shared_ptr<Link>;

class Processes {
 public:
  Processes(World& world, Files& files) : world_(world), files_(files) {}

  // ---- what supervisord's shell does ----

  Process& spawn(std::uint64_t generation);

  // Kills all there are; `on_gone` when the last is dead, at once if there is none.
  void kill(std::function<void()> on_gone);

  bool any_is_alive() const;

  // Whether proxyd has a connection to the newest process, if that is of the generation or an older
  // one.
  bool has_link_until(std::uint64_t generation) const;

  // The newest one; nullptr: none was ever spawned.
  Process* newest() const { return processes_.empty() ? nullptr : processes_.back().get(); }

  // nullptr: there was none.
  Process* of_generation(std::uint64_t generation) const;

  // The first process of one has ended: told when that can be known.
  std::function<void(Process& process, bool by_signal)> on_exit;
  std::function<void(Process& process)> on_listen;

  // ---- what proxyd's shell does ----

  // Connects, or finds that nobody listens: `on_link` tells.
  void connect(const LinkPointer& link);
  void send_head(const LinkPointer& link, Request& request);
  void send_body(const LinkPointer& link, Request& request);
  void send_fin(const LinkPointer& link);  // of a tunnel's client

  void close(const LinkPointer& link) { link->is_closed = true; }

  // Something has arrived on it.
  std::function<void(const LinkPointer& link)> on_link;

  // A request is executed: `process` does what it asks for.
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
  std::vector<LinkPointer> links_;  // of the newest process
};

}  // namespace hpp::sim
