// Pure. Decides which symbolic links are followed. The sources do not follow links, so a target
// outside the project folder needs a source of its own (composition.h).
//
// A link counts if it leads to a file that the user watches, or to a folder below which a pattern
// may match. A link to a file that comes with the system or with an interpreter does not count,
// because it is not part of the program: every Python virtual environment has such links.
// Neither does a link into a folder like `~/.cache` that the built-in excludes leave out.
#pragma once

#include <string>
#include <vector>

#include "watchd/core/filter.h"

namespace hpp::watchd {

// The warning names at most this many links.
constexpr std::size_t kLinksNamedMax = 3;

// A symbolic link that leads out of the project folder.
struct OutsideLink {
  std::string name;    // relative to the project folder
  std::string target;  // absolute, with all links on the way resolved; may not exist
  bool is_folder = false;

  bool operator==(const OutsideLink&) const = default;
};

// Returns the links that count. `links` must not contain links that match an exclude.
std::vector<OutsideLink> links_that_count(const std::vector<OutsideLink>& links,
                                          const Filter& filter);

// Returns the warning about links that count, but are not followed, in one line. There must be at
// least one link.
std::string outside_warning(const std::vector<OutsideLink>& links);

}  // namespace hpp::watchd
