#include "tests/sim/processes.h"

#include <algorithm>
#include <utility>

namespace hpp::sim {

using proxyd::Framing;

// ---- processes ----------------------------------------------------------------------------------

Process& Processes::spawn(std::uint64_t generation) {
  if (any_is_alive()) {
    world_.violated("generation {} is spawned while generation {} is alive", generation,
                    newest()->generation);
  }
  links_.clear();
  processes_.push_back(std::make_unique<Process>(Process{
      .generation = generation, .version = files_.version(), .is_mixed = files_.is_mixed()}));
  Process& process = *processes_.back();
  world_.trace("backend: generation {} reads version {}{}", generation, process.version,
               process.is_mixed ? ", MIXED" : "");
  boot(process);
  return process;
}

void Processes::boot(Process& process) {
  const bool is_quick = world_.random.chance(0.3);
  const Micros takes = world_.random.up_to(is_quick ? 1ms : world_.traits.boot_max);
  world_.after(takes, [this, &process] {
    if (!process.first_is_alive) return;
    process.listens = true;
    world_.trace("backend: generation {} listens", process.generation);
    on_listen(process);
  });
  if (world_.traits.is_announced) {
    // It may come before or after the process listens.
    world_.after(takes / 2 + world_.random.up_to(takes), [this, &process] {
      if (!process.first_is_alive) return;
      process.has_announced = true;
      on_announce(process);
    });
  }
  const bool breaks_often = world_.traits.has_agent && !world_.is_quiet;
  if (!world_.traits.has_backend_faults || !world_.random.chance(breaks_often ? 0.7 : 0.06)) return;
  const bool in_boot = breaks_often || world_.random.chance(0.5);
  world_.after(world_.random.up_to(in_boot ? takes : Micros(500ms)), [this, &process] {
    if (!world_.is_quiet) crash(process);
  });
}

bool Processes::has_link_until(std::uint64_t generation) const {
  return std::any_of(links_.begin(), links_.end(), [&](const LinkPointer& link) {
    return !link->is_closed && link->process != nullptr && link->process->generation <= generation;
  });
}

bool Processes::any_is_alive() const {
  return !processes_.empty() && processes_.back()->is_alive;
}

Process* Processes::of_generation(std::uint64_t generation) const {
  const auto found = std::find_if(processes_.rbegin(), processes_.rend(), [&](const auto& process) {
    return process->generation == generation;
  });
  return found == processes_.rend() ? nullptr : found->get();
}

// The first process ends by itself. Its child may live on and go on serving.
void Processes::crash(Process& process) {
  if (!process.first_is_alive) return;
  process.first_is_alive = false;
  const bool leaves_child = world_.random.chance(0.1);
  world_.trace("backend: generation {} crashes{}", process.generation,
               leaves_child ? ", a child lives on" : "");
  if (!leaves_child) end_all(process);
  world_.after(world_.random.up_to(5ms), [this, &process] { on_exit(process, false); });
}

void Processes::end_all(Process& process) {
  process.is_alive = process.listens = false;
  for (const LinkPointer& link : links_) {
    if (link->is_closed || link->is_ended_by_process) continue;
    link->is_ended_by_process = true;
    const bool by_reset = world_.random.chance(0.5);
    to_proxyd(link, [link = link.get(), by_reset] {
      (by_reset ? link->is_broken : link->has_ended) = true;
    });
  }
}

void Processes::kill(std::function<void()> on_gone) {
  if (!any_is_alive()) return on_gone();
  Process& process = *newest();
  const bool is_quick = world_.random.chance(0.5);
  world_.after(world_.random.up_to(is_quick ? 1ms : 20ms), [this, &process] {
    if (!process.is_alive) return;
    world_.trace("backend: generation {} is dead", process.generation);
    process.is_killed = true;
    end_all(process);
    if (!std::exchange(process.first_is_alive, false)) return;
    world_.after(world_.random.up_to(2ms), [this, &process] { on_exit(process, true); });
  });
  // The backend may also end by itself before the kill.
  const auto look = [this, &process, on_gone](auto again) -> void {
    if (!process.is_alive) return on_gone();
    world_.after(500us, [again] { again(again); });
  };
  look(look);
}

// ---- connections --------------------------------------------------------------------------------

void Processes::connect(const LinkPointer& link) {
  link->to_proxyd = world_.now() + a_moment(world_);
  world_.at(link->to_proxyd, [this, link] {
    if (link->is_closed) return;
    Process* const process = newest();
    if (process != nullptr && process->listens) {
      link->process = process;
      links_.push_back(link);
    } else {
      link->is_broken = true;
    }
    on_link(link);
  });
}

void Processes::to_proxyd(const LinkPointer& link, std::function<void()> arrives) {
  link->to_proxyd = std::max(link->to_proxyd, world_.now() + a_moment(world_));
  world_.at(link->to_proxyd, [this, link, arrives = std::move(arrives)] {
    if (link->is_closed) return;
    arrives();
    on_link(link);
  });
}

bool Processes::can_talk(const LinkPointer& link) const {
  return link->process->is_alive && !link->is_ended_by_process && !link->is_closed;
}

void Processes::send_head(const LinkPointer& link, Request& request) {
  link->has_body = request.facts.framing == Framing::None;
  link->to_process = std::max(link->to_process, world_.now() + a_moment(world_));
  world_.at(link->to_process, [this, link, &request] {
    if (!link->process->is_alive || link->is_ended_by_process) return;
    // If proxyd has closed the connection, the backend may or may not have read the request before.
    if (link->is_closed && world_.random.chance(0.5)) return;
    const bool answers_early = !link->has_body && world_.random.chance(0.1);
    if (link->has_body || answers_early) run(link, request);
  });
}

void Processes::send_body(const LinkPointer& link, Request& request) {
  link->to_process = std::max(link->to_process, world_.now() + a_moment(world_));
  world_.at(link->to_process, [this, link, &request] {
    if (!can_talk(link) || std::exchange(link->has_body, true) || request.runs > 0) return;
    run(link, request);
  });
}

// ---- answers ------------------------------------------------------------------------------------

void Processes::run(const LinkPointer& link, Request& request) {
  Process& process = *link->process;
  ++request.runs;
  request.is_all_sent = false;
  world_.trace("backend: generation {} runs request {}", process.generation, request.id);
  on_run(request, process);
  if (request.kind == Request::Kind::Killer && !world_.is_quiet) {
    world_.after(world_.random.up_to(3ms), [this, &process] { crash(process); });
    return;
  }
  const bool is_quick = world_.random.chance(0.6);
  const Micros takes = world_.random.up_to(is_quick ? 2ms : 60ms);
  if (request.kind == Request::Kind::Orphan) {
    world_.after(takes, [this, link] { end(link); });
    return;
  }
  if (world_.random.chance(0.1)) {
    world_.after(takes / 2, [this, link, &request] {
      if (!can_talk(link)) return;
      to_proxyd(link, [link = link.get(), &request] {
        link->inbox.push_back({FromBackend::Is::Interim, &request, {.status = 103}});
      });
    });
  }
  world_.after(takes, [this, link, &request] {
    if (can_talk(link)) respond(link, request);
  });
}

void Processes::respond(const LinkPointer& link, Request& request) {
  proxyd::ResponseFacts facts{.framing = Framing::Length, .length = 10};
  facts.keeps_alive = !world_.random.chance(0.1);
  if (request.facts.is_head) facts.framing = Framing::None;
  if (!request.facts.is_head && world_.random.chance(0.1)) facts.framing = Framing::Chunked;
  if (request.kind == Request::Kind::Stream) {
    facts.framing = Framing::Chunked;
    facts.is_event_stream = true;
  }
  if (request.kind == Request::Kind::Tunnel) {
    facts = {.status = 101};
  } else if (!request.facts.is_head && world_.random.chance(0.05)) {
    facts.framing = Framing::UntilClose;
    facts.keeps_alive = false;
  }
  const bool has_body = facts.framing != Framing::None || facts.status == 101;
  request.is_all_sent = !has_body;
  to_proxyd(link, [link = link.get(), &request, facts] {
    link->inbox.push_back({FromBackend::Is::Head, &request, facts});
  });
  // An answer without a body ends with its head, after which the connection may carry the next
  // request.
  if (!has_body) return end_body(link, request, facts);
  const bool is_long = request.kind != Request::Kind::Plain;
  const bool is_quick = !is_long && world_.random.chance(0.7);
  const Micros takes = world_.random.up_to(is_quick ? 100us : is_long ? 500ms : 30ms);
  world_.after(takes, [this, link, &request, facts] {
    if (can_talk(link)) end_body(link, request, facts);
  });
}

void Processes::end_body(const LinkPointer& link, Request& request,
                         const proxyd::ResponseFacts& facts) {
  request.is_all_sent = true;
  const bool is_framed = facts.framing != Framing::None && facts.framing != Framing::UntilClose;
  if (is_framed) {
    to_proxyd(link, [link = link.get(), &request] {
      link->inbox.push_back({FromBackend::Is::End, &request, {}});
    });
  }
  if (facts.status == 101 || !facts.keeps_alive) return end(link);
  maybe_close_idle(link);
}

void Processes::end(const LinkPointer& link) {
  if (!can_talk(link)) return;
  link->is_ended_by_process = true;
  to_proxyd(link, [link = link.get()] { link->has_ended = true; });
}

void Processes::send_fin(const LinkPointer& link, Request& tunnel) {
  world_.after(a_moment(world_) + a_moment(world_), [this, link, &tunnel] {
    if (can_talk(link)) tunnel.is_all_sent = true;
    end(link);
  });
}

// Servers close idle connections, some of them soon.
void Processes::maybe_close_idle(const LinkPointer& link) {
  if (!world_.traits.has_backend_faults || !world_.random.chance(0.1)) return;
  link->is_ended_by_process = true;
  world_.after(world_.random.up_to(5ms),
               [this, link] { to_proxyd(link, [link = link.get()] { link->has_ended = true; }); });
}

}  // namespace hpp::sim
