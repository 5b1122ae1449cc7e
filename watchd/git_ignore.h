// Shell. Asks git which files it ignores.
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
// waits for the files waits for them, too. Where git takes too long, or fails, all files are kept.
Sifted without_ignored(const std::string& directory, const std::vector<std::string>& files);

}  // namespace hpp::watchd
