// Pure. Describes an instance's state, as text and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/codec.h"
#include "ctl/core/choice.h"

namespace hpp::ctl {

// Each author's newest snapshot, if there is one.
struct Snapshots {
  std::optional<bus::TreeState> tree;
  std::optional<bus::BackendState> backend;
  std::optional<bus::ProxyState> proxy;
  std::vector<std::string> silent;  // authors that do not respond; their snapshots are from files

  void take(const bus::Message& message);
  bool has(bus::Topic topic) const;
};

// The output of `hpp-ctl status`: several lines. `now_ms`: milliseconds since the Unix epoch.
std::string status_text(const Instance& instance, const Snapshots& snapshots, std::int64_t now_ms);

struct InstanceState {
  Instance instance;
  Snapshots snapshots;
};

// The output of `hpp-ctl status --all`: a line for each instance, with its name, the state of its
// backend, its URL and its project folder.
std::string list_text(const std::vector<InstanceState>& states);

// One JSON object on one line that ends with a newline: `instance`, the bus messages `tree`,
// `backend` and `proxy` (null if unknown), and `silent`.
std::string status_json(const Instance& instance, const Snapshots& snapshots);

// Describes a backend's state: `Running: generation 2, pid 4711`.
std::string words(const bus::BackendState& backend);

// Describes a bus message, for `hpp-ctl trace`: `tree     watched, revision 2, app.py changed`.
std::string trace_text(const bus::Message& message);

// The bus message as a line of JSON, for `hpp-ctl trace --json`:
// `{"at_ms":…,"topic":"tree","message":{…}}`. `at_ms`: milliseconds since the Unix epoch.
std::string trace_json(const bus::Message& message, std::int64_t at_ms);

}  // namespace hpp::ctl
