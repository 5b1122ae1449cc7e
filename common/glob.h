// Pure. Checks and normalizes the globs of options such as --pattern and --exclude.
#pragma once

#include <string>
#include <string_view>

namespace hpp {

// Returns the glob without a leading `./`. It is relative to the working directory, or absolute,
// and may begin with `../`. Watchman's wildmatch supports `*`, `?`, `[…]`, `**/` and `\`. It
// reports no error for an invalid glob, which just never matches. Therefore this throws
// std::invalid_argument for a glob that cannot match any file: it is empty, has `..` in its middle,
// has an unclosed bracket, or ends with a backslash.
std::string normalized_glob(std::string_view glob);

// Returns a glob that matches only this file.
std::string glob_of(std::string_view path);

}  // namespace hpp
