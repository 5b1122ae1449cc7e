// Pure. Tells files of the project from foreign ones, such as the standard library's, by the names
// that programs print.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::errors {

// A directory whose files belong to the project.
struct SourceRoot {
  std::string path;  // absolute and normal, without a slash at the end
  std::string name;  // what the project calls it; empty: the project folder itself

  bool operator==(const SourceRoot&) const = default;
};

struct SourcePlace {
  std::string file;  // relative to the project folder if it is the project's; else as printed
  bool is_foreign = false;  // not the project's, or in a folder for other authors' code

  bool operator==(const SourcePlace&) const = default;
};

// Finds the place of a file that an error names: `/home/ada/shop/app.py`, `src/main.rs`,
// `file:///home/ada/shop/app.mjs`. `roots` must begin with the project folder, to which relative
// paths belong. Returns nothing if the text cannot be the name of a file.
std::optional<SourcePlace> source_place(std::string_view printed,
                                        const std::vector<SourceRoot>& roots);

// Returns the path without `.` and `..`, as far as possible, and without double slashes.
std::string normal_path(std::string_view path);

}  // namespace hpp::errors
