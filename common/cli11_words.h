// Works around CLI11's parsing of empty values, brackets, octal numbers and missing values.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace hpp {

// Pure. Rewrites the words of a command line so that `app` and its subcommands parse them
// correctly. CLI11 would take the next word as the value of `--build=`, and would split `[a,b]` if
// an option takes several values. Throws CLI::ValidationError for `--css --debug`, where CLI11
// would take the second option as the value of the first.
std::vector<std::string> words_for_cli11(const CLI::App& app,
                                         const std::vector<std::string>& words);

// Prefixes a glob in brackets, `[ab]`, by `./`, so that CLI11 does not take it for a list. The
// glob's meaning stays the same, and normalized_glob() removes the prefix.
std::string guarded(const std::string& glob);

// Returns the explanation for the first word that is neither an option nor a subcommand of `app`,
// with the name that was probably meant; nothing if there is no such word.
std::optional<std::string> unknown_word(const CLI::App& app, const std::vector<std::string>& words);

// For every option with a numeric value: accepts decimal digits only. CLI11 itself would read `010`
// as 8.
CLI::Validator decimal_number();

// For an option whose value is one of a few words. The message names a word that was misspelled.
CLI::Validator one_of(std::vector<std::string> words);

}  // namespace hpp
