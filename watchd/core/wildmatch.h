// Pure. Whether a path matches a glob, as Watchman's `match` with `wholename` and
// `includedotfiles` has it: Watchman says which files changed, and not which of several globs they
// match.
//
//   *     any characters but `/`          **/   any directories, or none
//   ?     one character but `/`           /**   everything below
//   [a-z] one of these, never `/`         \c    the character c
//
// Source: wildmatch.c, which Watchman has from git, with WM_PATHNAME. As there, a `**` that is not
// all there is between two slashes matches nothing at all.
#pragma once

#include <bitset>
#include <string_view>
#include <vector>

namespace hpp::watchd {

class Wildmatch {
 public:
  // Reads a glob once for many paths. A bad one matches nothing.
  explicit Wildmatch(std::string_view glob);

  // Takes time in proportion to the lengths of both, whatever the glob.
  bool matches(std::string_view path) const;

 private:
  using Characters = std::bitset<256>;

  // Takes one of `characters`: exactly one, or any number of them.
  struct Step {
    Characters characters;
    bool is_repeated = false;
    bool is_optional = false;  // with the `/` after it: that of `**/`
  };

  std::size_t read_stars(std::string_view glob, std::size_t at);
  std::size_t read_bracket(std::string_view glob, std::size_t at);
  std::size_t read_class(std::string_view glob, std::size_t at, Characters& set);
  void add(char c);
  void reach(std::vector<bool>& states, std::size_t state) const;

  std::vector<Step> steps_;
  bool is_bad_ = false;
};

}  // namespace hpp::watchd
