// Pure. Turns files that the backend writes into the --exclude option that ends a restart loop.
#pragma once

#include <string>
#include <vector>

namespace hpp::supervisord {

// The globs that exclude `paths`, which are relative to the project folder: files, and folders with
// a slash behind. Files are named one by one, because their folder may hold sources as well; if
// more than four are in one folder, the folder is named. A file in a hidden folder (`.next`) gets a
// glob for that folder, which belongs to a tool.
std::vector<std::string> globs_to_exclude(const std::vector<std::string>& paths);

// `--exclude db.sqlite3 '.next/**'`, as a shell wants it and safe for a terminal.
std::string exclude_option(const std::vector<std::string>& globs);

}  // namespace hpp::supervisord
