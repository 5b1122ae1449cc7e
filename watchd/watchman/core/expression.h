// Pure. Writes the filter as one Watchman query expression:
// https://facebook.github.io/watchman/docs/file-query
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "watchd/core/filter.h"

namespace hpp::watchd::watchman {

// Matches files that match a pattern, --css or --reload, and no exclude, and symbolic links that
// match no exclude: a link matters if a pattern matches a file behind it. Deleted ones match as
// well, because Watchman remembers their type. Directories, sockets and pipes never match: a
// directory that matters has files in it, and servers often put their socket into the project.
nlohmann::json expression_for(const Filter& filter);

// Matches symbolic links that match no exclude.
nlohmann::json links_expression_for(const Filter& filter);

}  // namespace hpp::watchd::watchman
