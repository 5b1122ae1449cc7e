// Shell. Asks git which files it ignores.
//
// If one path lies in a submodule, git check-ignore fails for the whole list. So each repository
// below the project folder is asked for its own files, and the repository around it whether it
// ignores that folder. If the submodule's own repository is missing, its files are left out.
#pragma once

#include <string>
#include <vector>

namespace hpp::watchd {

struct Sifted {
  std::vector<std::string> files;
  std::string problem;  // why they are all still there, in git's words; empty: git has decided
};

// The files, relative to `directory`, without those that `git check-ignore` names. It
// takes the few milliseconds that git does, of which hpp-watchd has nothing better to do: whoever
// waits for the files waits for them, too. If git takes too long, or fails, the files of that
// repository are kept.
Sifted without_ignored(const std::string& directory, const std::vector<std::string>& files);

}  // namespace hpp::watchd
