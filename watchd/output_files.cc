#include "watchd/output_files.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/os/descriptors.h"
#include "common/os/process_info.h"

namespace hpp::watchd {
namespace {

bool is_pipe(const std::string& target) {
  return target.starts_with("pipe:");
}

struct Process {
  pid_t pid = 0;
  std::vector<Descriptor> descriptors;
};

// Returns all processes that may belong to the pipeline. A program that has started hpp does not,
// although it may read hpp's output.
std::vector<Process> candidates() {
  const std::vector<pid_t> above = with_ancestors(::getpid());
  std::vector<Process> found;
  for (const pid_t pid : all_processes()) {
    if (std::find(above.begin(), above.end(), pid) != above.end()) continue;
    if (auto descriptors = descriptors_of(pid)) found.push_back({pid, *std::move(descriptors)});
  }
  return found;
}

}  // namespace

std::vector<std::string> files_of_output() {
  std::set<std::string> reached;
  for (const Descriptor& open : descriptors_of(::getpid()).value_or(std::vector<Descriptor>())) {
    if (open.number == STDOUT_FILENO || open.number == STDERR_FILENO) reached.insert(open.target);
  }
  const auto reads_it = [&](const Process& process) {
    return std::any_of(process.descriptors.begin(), process.descriptors.end(),
                       [&](const auto& open) {
                         return is_pipe(open.target) && reached.contains(open.target) &&
                                !is_writable(process.pid, open);
                       });
  };
  std::vector<Process> others;
  if (std::any_of(reached.begin(), reached.end(), is_pipe)) others = candidates();
  for (;;) {
    const auto next = std::find_if(others.begin(), others.end(), reads_it);
    if (next == others.end()) break;
    for (const Descriptor& open : next->descriptors) {
      if (is_writable(next->pid, open)) reached.insert(open.target);
    }
    others.erase(next);
  }
  std::erase_if(reached, [](const std::string& target) { return !target.starts_with('/'); });
  return {reached.begin(), reached.end()};
}

}  // namespace hpp::watchd
