// Shell. Reads the environment file (--env-file).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "supervisord/project.h"

namespace hpp::supervisord {

// Adds the variables of the project's environment file to those that hpp sets, which keep their
// values. Does nothing if the project has no such file. Throws std::runtime_error if the file
// cannot be read or has a malformed line.
void add_env_file(const Project& project,
                  std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace hpp::supervisord
