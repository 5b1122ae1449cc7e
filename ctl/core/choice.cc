#include "ctl/core/choice.h"

#include <fmt/format.h>

namespace hpp::ctl {
namespace {

enum class Details { Usual, RunDirectory };

std::string list(const std::vector<Instance>& instances, Details details = Details::Usual) {
  std::string text;
  for (const Instance& one : instances) {
    text +=
        fmt::format("{}{} ({}, in {}", text.empty() ? "" : "; ", one.name, one.url, one.directory);
    if (details == Details::RunDirectory) {
      text += fmt::format(", run directory {}", one.run_directory);
    }
    text += ')';
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

// The instances in `directory` or, if there are none, those in the nearest folder above it.
std::vector<Instance> nearest_to(std::string_view directory, const std::vector<Instance>& all) {
  std::vector<Instance> nearest;
  for (const Instance& one : all) {
    if (!is_at_or_above(one.directory, directory)) continue;
    if (!nearest.empty() && nearest.front().directory.size() > one.directory.size()) continue;
    if (!nearest.empty() && nearest.front().directory.size() < one.directory.size())
      nearest.clear();
    nearest.push_back(one);
  }
  return nearest;
}

bool share_a_name(const std::vector<Instance>& instances) {
  for (std::size_t i = 1; i < instances.size(); ++i) {
    if (instances[i].name == instances[i - 1].name) return true;
  }
  return false;
}

NoChoice several(const std::vector<Instance>& instances) {
  if (share_a_name(instances)) {
    return {
        .why = fmt::format("several of the same name are running, choose one with --run-dir: {}",
                           list(instances, Details::RunDirectory)),
        .is_ambiguous = true};
  }
  return {.why = fmt::format("several are running, choose one with --name: {}", list(instances)),
          .is_ambiguous = true};
}

}  // namespace

std::variant<Instance, NoChoice> choose(const std::vector<Instance>& running, std::string_view name,
                                        std::string_view directory) {
  std::vector<Instance> named = running;
  if (!name.empty()) {
    std::erase_if(named, [&](const Instance& one) { return one.name != name; });
    if (named.empty())
      return none_of(running, fmt::format("no hpp of the name {} is running", name));
    if (named.size() == 1) return named.front();
  }
  const std::vector<Instance> nearest = nearest_to(directory, named);
  if (nearest.size() == 1) return nearest.front();
  if (!nearest.empty()) return several(nearest);
  if (!name.empty()) return several(named);
  return none_of(running,
                 fmt::format("no hpp is running in {}, or in a folder above it", directory));
}

}  // namespace hpp::ctl
