// Describes a command line for common/advice: which options there are, and which words name files
// or programs.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/advice/command_line.h"

namespace hpp {

// Looks the words up in the working directory and in PATH.
std::vector<advice::Word> look_up(const std::vector<std::string>& words);

// `words` are those before --exec; `command` are those after it, if it was given.
advice::CommandLine describe_command_line(const CLI::App& app,
                                          const std::vector<std::string>& words,
                                          const std::optional<std::vector<std::string>>& command);

}  // namespace hpp
