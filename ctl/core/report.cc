#include "ctl/core/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "common/json_text.h"
#include "common/text.h"
#include "common/time_point.h"

namespace hpp::ctl {
namespace {

const char* name_of(Keeper keeper) {
  switch (keeper) {
    case Keeper::Launch:
      return "hpp-launch";
    case Keeper::Systemd:
      return "systemd";
    case Keeper::None:
      return "nobody";
  }
  return "";
}

std::string keeper_words(const Instance& instance) {
  switch (instance.keeper) {
    case Keeper::Launch:
      return fmt::format("pid {}", instance.pid);
    case Keeper::Systemd:
      return "managed by systemd";
    case Keeper::None:
      return "not managed";
  }
  return "";
}

constexpr const char* kPausedHint =
    "saves do not restart your server; hpp-ctl resume ends the pause";

// Keeps the members of an object in insertion order.
using Object = nlohmann::ordered_json;

std::string duration(std::int64_t ms) {
  return duration_text(std::chrono::milliseconds(ms));
}

// How long the backend has been in its state; empty if unknown.
std::string since(const bus::BackendState& backend, std::int64_t now_ms) {
  switch (backend.state) {
    case bus::BackendPhase::Running: {
      if (backend.ready_at_ms == 0) return "";
      const std::string start = duration(backend.ready_at_ms - backend.spawned_at_ms);
      const std::string how = bus::to_string(backend.start);
      return fmt::format(", for {}, started in {}{}", duration(now_ms - backend.ready_at_ms), start,
                         how.empty() ? "" : " (" + how + ")");
    }
    case bus::BackendPhase::Loading:
      if (backend.spawned_at_ms == 0) return "";
      return fmt::format(", for {}", duration(now_ms - backend.spawned_at_ms));
    case bus::BackendPhase::Error:
    case bus::BackendPhase::Killing:
      return "";
  }
  return "";
}

std::string changed_words(const bus::TreeState& tree) {
  if (tree.changed_count == 0) return "";
  if (tree.changed.empty()) return fmt::format(", {} files changed", tree.changed_count);
  return fmt::format(", {}", files_changed(tree.changed.front(), tree.changed_count));
}

std::string words(const bus::TreeState& tree) {
  const std::string lag =
      tree.lag_ms == 0 ? "" : fmt::format(", up to {} s behind", tree.lag_ms / 1000);
  return fmt::format("{}{}, revision {}{}{}", tree.watching ? "watched" : "not watched", lag,
                     tree.revision, changed_words(tree), tree.settling ? ", git is writing" : "");
}

std::string words(const bus::ProxyState& proxy) {
  return fmt::format("listening on {}, clients {}, held {}, forwarded {}, replayed {}",
                     fmt::join(proxy.listening, " and "), proxy.clients, proxy.held,
                     proxy.forwarded, proxy.replayed);
}

// `, paused, 2 changes noted`; empty if hpp is not paused.
std::string pause_words(const bus::BackendState& backend) {
  if (!backend.paused) return "";
  if (backend.noted.epoch == 0) return ", paused";
  const bool is_counted = backend.noted.epoch == backend.serves.epoch &&
                          backend.noted.revision > backend.serves.revision;
  if (!is_counted) return ", paused, changes noted";
  const std::uint64_t count = backend.noted.revision - backend.serves.revision;
  return fmt::format(", paused, {} change{} noted", count, count == 1 ? "" : "s");
}

// One row. printable() ensures that line breaks in `text` do not start another line.
std::string row(std::string_view name, const std::string& text) {
  return fmt::format("{:<10} {}\n", name, printable(text));
}

template <class State>
std::string problem_row(const std::optional<State>& state) {
  if (!state || state->problem.empty()) return "";
  return row("problem", state->problem);
}

// The bus message as JSON; null if there is no snapshot.
template <class State>
Object on_the_bus(const std::optional<State>& state) {
  return state ? Object(bus::json_of(*state)) : Object();
}

}  // namespace

void Snapshots::take(const bus::Message& message) {
  if (const auto* state = std::get_if<bus::TreeState>(&message)) tree = *state;
  if (const auto* state = std::get_if<bus::BackendState>(&message)) backend = *state;
  if (const auto* state = std::get_if<bus::ProxyState>(&message)) proxy = *state;
}

bool Snapshots::has(bus::Topic topic) const {
  switch (topic) {
    case bus::Topic::Tree:
      return tree.has_value();
    case bus::Topic::Backend:
      return backend.has_value();
    case bus::Topic::Proxy:
      return proxy.has_value();
  }
  return false;
}

std::string words(const bus::BackendState& backend) {
  std::string text = fmt::format("{}: generation {}", to_string(backend.state), backend.generation);
  if (backend.pid != 0) text += fmt::format(", pid {}", backend.pid);
  if (backend.exit) text += ", " + to_string(*backend.exit);
  return text + pause_words(backend);
}

std::string status_text(const Instance& instance, const Snapshots& snapshots, std::int64_t now_ms) {
  std::string text = row("instance", fmt::format("{}, {}, in {}", instance.name,
                                                 keeper_words(instance), instance.directory));
  text += row("url", instance.url);
  const auto& [tree, backend, proxy, silent] = snapshots;
  text += row("backend", backend ? words(*backend) + since(*backend, now_ms) : "unknown");
  if (backend && backend->paused) text += row("paused", kPausedHint);
  if (backend && !backend->delay.empty()) text += row("delay", backend->delay);
  const bool has_crashed = backend && backend->failure == bus::Failure::Crashed;
  if (has_crashed && bus::to_string(backend->retry) != "") {
    text += row("retry", bus::to_string(backend->retry));
  }
  if (backend && backend->error) text += row("error", bus::to_string(*backend->error));
  if (backend) text += row("command", command_line(backend->command));
  text += row("files", tree ? words(*tree) : "unknown");
  text += row("proxy", proxy ? words(*proxy) : "unknown");
  text += problem_row(backend) + problem_row(tree) + problem_row(proxy);
  for (const auto& author : silent)
    text += row("problem", fmt::format("hpp-{} does not answer", author));
  if (backend && !backend->output_tail.empty()) {
    text += "output\n" + backend->output_tail;
    if (!text.ends_with('\n')) text += '\n';
  }
  return text;
}

std::string list_text(const std::vector<InstanceState>& states) {
  if (states.empty()) return "no hpp is running\n";
  std::size_t name_width = 0;
  std::size_t url_width = 0;
  for (const auto& [instance, snapshots] : states) {
    name_width = std::max(name_width, instance.name.size());
    url_width = std::max(url_width, instance.url.size());
  }
  std::string text;
  for (const auto& [instance, snapshots] : states) {
    const std::string_view state =
        snapshots.backend ? bus::to_string(snapshots.backend->state) : "unknown";
    text += fmt::format("{:<{}}  {:<7}  {:<{}}  {}\n", instance.name, name_width, state,
                        instance.url, url_width, printable(instance.directory));
  }
  return text;
}

std::string status_json(const Instance& instance, const Snapshots& snapshots) {
  Object object;
  object["instance"] = {{"name", instance.name},
                        {"pid", instance.pid},
                        {"keeper", name_of(instance.keeper)},
                        {"url", instance.url},
                        {"directory", instance.directory},
                        {"run_directory", instance.run_directory}};
  object["tree"] = on_the_bus(snapshots.tree);
  object["backend"] = on_the_bus(snapshots.backend);
  object["proxy"] = on_the_bus(snapshots.proxy);
  object["silent"] = snapshots.silent;
  return json_text(object) + '\n';
}

std::string trace_text(const bus::Message& message) {
  const auto all_words = [](const auto& state) {
    std::string text = words(state);
    if constexpr (requires { state.delay; }) {
      if (!state.delay.empty()) text += ", delay: " + state.delay;
    }
    if constexpr (requires { state.error; }) {
      if (state.error) text += ", error: " + bus::to_string(*state.error);
    }
    return state.problem.empty() ? text : text + ", problem: " + state.problem;
  };
  const std::string text = std::visit(all_words, message);
  return fmt::format("{:<8} {}", bus::to_string(bus::topic_of(message)), printable(text));
}

std::string trace_json(const bus::Message& message, std::int64_t at_ms) {
  Object object;
  object["at_ms"] = at_ms;
  object["topic"] = bus::to_string(bus::topic_of(message));
  object["message"] = bus::json_of(message);
  return json_text(object) + '\n';
}

}  // namespace hpp::ctl
