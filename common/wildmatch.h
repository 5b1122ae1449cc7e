// Pure. Decides whether a path matches a glob, by the rules of Watchman's `match` with `wholename`
// and `includedotfiles`. hpp needs this because Watchman reports which files changed, but not which
// of several globs they match.
//
//   *     any characters but `/`          **/   any directories, or none
//   ?     one character but `/`           /**   everything below
//   [a-z] one of these, never `/`         \c    the character c
//
// Source: wildmatch.c, which Watchman has copied from git, with WM_PATHNAME. As there, a glob with
// a `**` that does not stand alone between two slashes matches nothing at all.
#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

namespace hpp {

class Wildmatch {
 public:
  // Compiles a glob, once for many paths. A malformed glob matches nothing.
  explicit Wildmatch(std::string_view glob);

  // Takes time in proportion to the length of the path times that of the glob, for any glob. Most
  // paths are rejected by a search for a literal part of the glob.
  bool matches(std::string_view path) const;

  // Returns whether the glob may match a path below `folder`. False: it matches none.
  bool may_match_below(std::string_view folder) const;

  // Returns whether the glob matches every path below `folder`, as far as that follows from a `**`
  // at its end.
  bool matches_all_below(std::string_view folder) const;

 private:
  using Characters = std::bitset<256>;

  // Matches one character out of `characters`, or any number of such characters.
  struct Step {
    Characters characters;
    bool is_repeated = false;
    bool is_optional = false;  // the step and the `/` after it may be skipped, as in `**/`
  };

  void find_literal();
  std::size_t read_stars(std::string_view glob, std::size_t at);
  std::size_t read_bracket(std::string_view glob, std::size_t at);
  std::size_t read_class(std::string_view glob, std::size_t at, Characters& set);
  void add(char c);
  std::vector<bool> states_after(std::string_view path) const;
  void reach(std::vector<bool>& states, std::size_t state) const;

  std::vector<Step> steps_;
  std::string literal_;  // the longest text that stands in every path that matches
  bool is_bad_ = false;
};

}  // namespace hpp
