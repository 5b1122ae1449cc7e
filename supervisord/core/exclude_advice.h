// Pure. Derives the --exclude option that ends a restart loop from the files that change.
#pragma once

#include <string>
#include <vector>

namespace hpp::supervisord {

// Returns globs that exclude `paths`: files, and folders with a trailing slash, relative to the
// project folder. Each file gets its own glob, because its folder may also contain sources. If more
// than four files are in the same folder, that folder gets the glob instead. A file in a hidden
// folder (`.next`) gets a glob for the hidden folder, which belongs to a tool.
std::vector<std::string> globs_to_exclude(const std::vector<std::string>& paths);

// Returns `--exclude db.sqlite3 '.next/**'`: quoted for a shell, and safe to print on a terminal.
std::string exclude_option(const std::vector<std::string>& globs);

}  // namespace hpp::supervisord
