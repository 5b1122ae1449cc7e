// Small files, read and replaced whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hpp {

// The content of a file; nothing if it cannot be read. /proc files included.
std::optional<std::string> read_file(const std::string& path);

// Writes `<path>.new` (mode 0600) and renames it over `path`: readers see the old or the new
// content, never half of one. Returns 0, or an errno value with the old content in place.
int replace_file(const std::string& path, std::string_view content);

}  // namespace hpp
