// Pure. Finds the patterns (--pattern, --css, --reload) that match no file of the project, and says
// why.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/wildmatch.h"
#include "watchd/core/filter.h"

namespace hpp::watchd {

// Gets the paths of a project, in any order, and drops each pattern when a file matches it.
// Patterns outside the project (`../`, `/`) are not checked.
class PatternCheck {
 public:
  explicit PatternCheck(const Filter& filter);

  // `path` is relative to the project.
  void see_file(std::string_view path);
  void see_folder(std::string_view path);

  // Whether every pattern has matched a file.
  bool is_done() const { return open_.empty(); }

  // Whether a pattern without a file may match one below this folder.
  bool needs(std::string_view folder) const;

  // One sentence or two for each pattern that has matched no file: why, and what to write instead.
  std::vector<std::string> hints() const;

 private:
  struct Open {
    std::string option;  // `--pattern`
    std::string glob;
    Wildmatch match;
    bool is_folder = false;     // a folder has this name
    bool matches_name = false;  // a file in some folder has a matching name; the glob has no slash
  };

  std::vector<Open> open_;
  std::vector<std::string> folders_;  // those directly in the project
};

}  // namespace hpp::watchd
