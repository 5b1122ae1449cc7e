// Works around CLI11's parsing of empty values, brackets, octal numbers and missing values.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace hpp {

// Pure. Rewrites the words of a command line so that `app` and its subcommands parse them
// correctly. CLI11 would take the next word as the value of `--build=`, and would split `[a,b]` if
// an option takes several values. Throws CLI::ValidationError for `--css --debug`, where CLI11
// would take the second option as the value of the first.
std::vector<std::string> words_for_cli11(const CLI::App& app,
                                         const std::vector<std::string>& words);

// For every option with a numeric value: accepts decimal digits only. CLI11 itself would read `010`
// as 8.
CLI::Validator decimal_number();

}  // namespace hpp
