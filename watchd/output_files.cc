#include "watchd/output_files.h"

#include <fcntl.h>
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

bool is_output(const Descriptor& open) {
  return open.number == STDOUT_FILENO || open.number == STDERR_FILENO;
}

struct Process {
  pid_t pid = 0;
  std::vector<Descriptor> descriptors;
  // The process has started hpp, as foreman(1) does. It passes hpp's output on to its own output,
  // but may have files of the project open for other reasons.
  bool is_above = false;
};

std::vector<Process> inspectable_processes() {
  const std::vector<pid_t> above = with_ancestors(::getpid());
  std::vector<Process> found;
  for (const pid_t pid : all_processes()) {
    auto descriptors = descriptors_of(pid);
    if (!descriptors) continue;
    const bool is_above = std::find(above.begin(), above.end(), pid) != above.end();
    found.push_back({pid, *std::move(descriptors), is_above});
  }
  return found;
}

}  // namespace

std::vector<std::string> files_of_output() {
  std::set<std::string> reached;
  for (const Descriptor& open : descriptors_of(::getpid()).value_or(std::vector<Descriptor>())) {
    if (is_output(open)) reached.insert(open.target);
  }
  const auto reads_it = [&](const Process& process) {
    return std::any_of(process.descriptors.begin(), process.descriptors.end(),
                       [&](const Descriptor& open) {
                         return is_pipe(open.target) && reached.contains(open.target) &&
                                access_of(process.pid, open) == O_RDONLY;
                       });
  };
  std::vector<Process> others;
  if (std::any_of(reached.begin(), reached.end(), is_pipe)) others = inspectable_processes();
  for (;;) {
    const auto next = std::find_if(others.begin(), others.end(), reads_it);
    if (next == others.end()) break;
    for (const Descriptor& open : next->descriptors) {
      if (next->is_above && !is_output(open)) continue;
      if (access_of(next->pid, open).value_or(O_RDONLY) != O_RDONLY) reached.insert(open.target);
    }
    others.erase(next);
  }
  std::erase_if(reached, [](const std::string& target) { return !target.starts_with('/'); });
  return {reached.begin(), reached.end()};
}

}  // namespace hpp::watchd
