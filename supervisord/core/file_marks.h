// Pure. Tells whether the files have changed that a spare may have read before it came to its gate.
//
// Package managers, wrappers and interpreters read files of the project before the server's code is
// loaded: package.json (npm), .env (node --env-file), pyproject.toml (uv). Adapters do not see who
// has read them. Mostly they lie in the project folder itself, where they are marked, because hpp
// may not watch them (--pattern). Elsewhere, only those that hpp watches count. Files with source
// code are only read behind the gate, or are held open, see inspection.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace hpp::supervisord {

struct FileMark {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;

  bool operator==(const FileMark&) const = default;
};

using FileMarks = std::map<std::string, FileMark>;  // by name

// Whether a process may read a file of this name before it comes to its gate: the file contains
// neither source code nor a template, a translation, a style sheet or a picture, and is no log or
// database.
bool is_read_early(std::string_view name);

// Returns the name of the first file that has changed, appeared or disappeared; empty: none has.
std::string first_difference(const FileMarks& before, const FileMarks& now);

}  // namespace hpp::supervisord
