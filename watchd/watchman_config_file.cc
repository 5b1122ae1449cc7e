#include "watchd/watchman_config_file.h"

#include <fmt/format.h>

#include <filesystem>

#include "common/os/file.h"

namespace hpp::watchd {

namespace fs = std::filesystem;

WatchmanConfig watchman_config_of(const std::string& directory) {
  std::error_code error;
  for (fs::path root = directory;; root = root.parent_path()) {
    const fs::path file = root / ".watchmanconfig";
    if (fs::exists(file, error)) {
      const std::string below =
          root == directory ? "" : fs::path(directory).lexically_relative(root);
      const auto text = read_file(file);
      WatchmanConfig config = read_watchman_config(text.value_or(""), below);
      if (!text) config.problem = "it cannot be read";
      if (!config.problem.empty()) {
        config.problem = fmt::format("{}: {}", file.native(), config.problem);
      }
      return config;
    }
    if (root == root.parent_path()) return read_watchman_config("", "");
  }
}

}  // namespace hpp::watchd
