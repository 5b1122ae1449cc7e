#include "ctl/core/choice.h"

#include <fmt/format.h>

namespace hpp::ctl {
namespace {

std::string list(const std::vector<Instance>& instances) {
  std::string text;
  for (const Instance& one : instances) {
    text +=
        fmt::format("{}{} ({}, in {})", text.empty() ? "" : "; ", one.name, one.url, one.directory);
  }
  return text;
}

NoChoice none_of(const std::vector<Instance>& running, std::string_view what) {
  if (running.empty()) return {"no hpp is running"};
  return {fmt::format("{}; running: {}", what, list(running))};
}

bool is_at_or_above(std::string_view folder, std::string_view directory) {
  if (folder == "/") return true;
  return !folder.empty() && directory.starts_with(folder) &&
         (directory.size() == folder.size() || directory[folder.size()] == '/');
}

}  // namespace

std::variant<Instance, NoChoice> choose(const std::vector<Instance>& running, std::string_view name,
                                        std::string_view directory) {
  std::vector<Instance> best;
  for (const Instance& one : running) {
    const bool fits = name.empty() ? is_at_or_above(one.directory, directory) : one.name == name;
    if (!fits) continue;
    if (!best.empty() && best.front().directory.size() > one.directory.size()) continue;
    if (!best.empty() && best.front().directory.size() < one.directory.size()) best.clear();
    best.push_back(one);
  }
  if (best.size() == 1) return best.front();
  if (best.size() > 1) {
    return NoChoice{fmt::format("several are running, choose one with --name: {}", list(best))};
  }
  if (!name.empty()) {
    return none_of(running, fmt::format("no hpp of the name {} is running", name));
  }
  return none_of(running,
                 fmt::format("no hpp is running in {}, or in a folder above it", directory));
}

}  // namespace hpp::ctl
