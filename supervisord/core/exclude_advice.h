// Pure. Turns files that the backend writes into the --exclude option that ends a restart loop.
#pragma once

#include <string>
#include <vector>

namespace hpp::supervisord {

// The globs that exclude `files`, which are paths relative to the project folder. Files below one
// folder of the project get a single glob for the deepest folder that they share. A file in a
// hidden folder (`.next`) gets a glob for that folder, which belongs to a tool.
std::vector<std::string> globs_to_exclude(const std::vector<std::string>& files);

// `--exclude db.sqlite3 '.next/**'`, as a shell wants it and safe for a terminal.
std::string exclude_option(const std::vector<std::string>& globs);

}  // namespace hpp::supervisord
