#include "supervisord/env_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include "common/os/file.h"
#include "supervisord/core/env_text.h"

namespace hpp::supervisord {
namespace {

// Variables that hpp sets for some processes only.
bool is_hpps(std::string_view name) {
  return name.starts_with("HPP_") || name.starts_with("LISTEN_") || name == "PWD" ||
         name == "NOTIFY_SOCKET";
}

}  // namespace

void add_env_file(const Project& project,
                  std::vector<std::pair<std::string, std::string>>& environment) {
  if (project.env_file.empty()) return;
  const std::filesystem::path path = std::filesystem::path(project.directory) / project.env_file;
  const auto text = read_file(path.native());
  if (!text) {
    throw std::runtime_error(
        fmt::format("cannot read {} (--env-file): {}", project.env_file, std::strerror(errno)));
  }
  EnvText read = read_env_text(*text);
  if (!read.problem.empty()) {
    throw std::runtime_error(fmt::format("{} (--env-file), {}", project.env_file, read.problem));
  }
  for (auto& variable : read.variables) {
    const bool is_set = std::any_of(environment.begin(), environment.end(), [&](const auto& other) {
      return other.first == variable.first;
    });
    if (!is_set && !is_hpps(variable.first)) environment.push_back(std::move(variable));
  }
}

}  // namespace hpp::supervisord
