#include "common/os/backend_tag.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "common/os/error.h"
#include "common/os/process_info.h"
#include "common/os/run_directory.h"

namespace hpp {

std::string backend_tag_prefix(const std::string& run_directory, std::string_view name) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(run_directory.c_str(), nullptr),
                                                         &std::free);
  if (!real) throw_errno("cannot use the run directory " + run_directory);
  const std::string id = RunDirectory(run_directory).instance_id();
  if (name == kMainBackend) return fmt::format("{}/{}/", real.get(), id);
  return fmt::format("{}/{}.{}/", real.get(), id, name);
}

std::vector<pid_t> processes_tagged(std::string_view prefix) {
  const std::string beginning = fmt::format("{}={}", kBackendTag, prefix);
  std::vector<pid_t> found;
  for (const pid_t pid : all_processes()) {
    if (pid != ::getpid() && has_environment_with(pid, beginning)) found.push_back(pid);
  }
  return found;
}

}  // namespace hpp
