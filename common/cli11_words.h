// Works around how CLI11 reads empty values, brackets and octal numbers.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace hpp {

// The words of a command line as `app`, or one of its subcommands, has to be given them. CLI11
// takes the next word for the value of `--build=`, and splits `[a,b]` if an option takes several
// values. Pure.
std::vector<std::string> words_for_cli11(const CLI::App& app,
                                         const std::vector<std::string>& words);

// Goes with every option that is a number: digits are decimal, and nothing else is a number. CLI11
// alone reads `010` as 8.
CLI::Validator decimal_number();

}  // namespace hpp
