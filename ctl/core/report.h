// Pure. What is known of an instance, for people and for programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/codec.h"
#include "ctl/core/choice.h"

namespace hpp::ctl {

// The newest snapshot of each author that there is one of.
struct Snapshots {
  std::optional<bus::TreeState> tree;
  std::optional<bus::BackendState> backend;
  std::optional<bus::ProxyState> proxy;
  std::vector<std::string> silent;  // authors that do not answer: theirs is from its file, or none

  void take(const bus::Message& message);
  bool has(bus::Topic topic) const;
};

// Some lines. `now_ms`: since the Unix epoch.
std::string status_text(const Instance& instance, const Snapshots& snapshots, std::int64_t now_ms);

// One JSON object in one line, with its end: `instance`, `tree`, `backend` and `proxy` as on the
// bus or null, and `silent`.
std::string status_json(const Instance& instance, const Snapshots& snapshots);

// `Running: generation 2, pid 4711`: a backend's state in a few words.
std::string backend_words(const bus::BackendState& backend);

// A message of the bus as it passes: `tree revision 2, watching, app.py changed`.
std::string trace_text(const bus::Message& message);

// The same for programs: `{"at_ms":…,"topic":"tree","message":{…}}`
std::string trace_json(const bus::Message& message, std::int64_t at_ms);

}  // namespace hpp::ctl
