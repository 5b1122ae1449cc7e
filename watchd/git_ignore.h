// Shell. Asks git which files it ignores.
//
// If one path lies in a submodule, git check-ignore fails for the whole list. Therefore git is run
// once in each repository below the project folder, for that repository's files, and in the
// enclosing repository, to find out whether it ignores that folder. If a submodule's own repository
// is missing, git is not asked about its files, and they are kept.
#pragma once

#include <string>
#include <vector>

namespace hpp::watchd {

struct Sifted {
  std::vector<std::string> files;  // those that git does not ignore
  std::string problem;             // why git could not answer; empty: it could
};

// Returns `files` (relative to `directory`) without those that `git check-ignore` names. Blocks for
// the few milliseconds that git takes; that costs nothing, because no file can be published before
// the answer anyway. If git takes too long, or fails, the files of that repository are kept.
Sifted without_ignored(const std::string& directory, const std::vector<std::string>& files);

}  // namespace hpp::watchd
