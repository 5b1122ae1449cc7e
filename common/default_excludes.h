// Pure. The files that hpp ignores unless --no-default-excludes is given.
#pragma once

#include <span>
#include <string_view>

namespace hpp {

// Returns globs (wildmatch.h) that are relative to a watched directory.
std::span<const char* const> default_excludes();

// Whether one of them matches the path of a file, relative to a watched directory.
bool is_excluded_by_default(std::string_view path);

}  // namespace hpp
