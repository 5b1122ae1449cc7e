// Pure. The globs of --pattern and --exclude, checked before Watchman gets them.
#pragma once

#include <string>
#include <string_view>

namespace hpp {

// Returns the glob as Watchman wants it: relative to the watched directory, a leading `./` gone.
// Watchman's wildmatch takes `*`, `?`, `[…]`, `**/` and `\`; it never matches a bad glob and never
// says so. Throws std::invalid_argument for one that can match nothing: empty, absolute, leading
// out of the directory, a bracket not closed, a backslash at the end.
std::string normalized_glob(std::string_view glob);

// The glob that matches this file and no other.
std::string glob_of(std::string_view path);

}  // namespace hpp
