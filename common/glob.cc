#include "common/glob.h"

#include <fmt/format.h>

#include <stdexcept>

namespace hpp {
namespace {

[[noreturn]] void refuse_glob(std::string_view glob, std::string_view why) {
  throw std::invalid_argument(fmt::format("bad glob '{}': {}", glob, why));
}

// The index after the bracket expression that starts at `open`; npos if it is not closed.
// A `]` right after `[`, `[!` or `[^` is an ordinary character (fnmatch(3)).
std::size_t after_bracket(std::string_view glob, std::size_t open) {
  std::size_t i = open + 1;
  if (i < glob.size() && (glob[i] == '!' || glob[i] == '^')) ++i;
  if (i < glob.size() && glob[i] == ']') ++i;
  for (; i < glob.size(); ++i) {
    if (glob[i] == ']') return i + 1;
    if (glob[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

void check_characters(std::string_view glob) {
  for (std::size_t i = 0; i < glob.size();) {
    if (glob[i] == '\\') {
      if (i + 1 == glob.size()) refuse_glob(glob, "it ends with a backslash");
      i += 2;
    } else if (glob[i] == '[') {
      i = after_bracket(glob, i);
      if (i == std::string_view::npos) refuse_glob(glob, "'[' is not closed by ']'");
    } else {
      ++i;
    }
  }
}

}  // namespace

std::string normalized_glob(std::string_view text) {
  std::string_view glob = text;
  while (glob.starts_with("./")) glob.remove_prefix(2);
  if (glob.empty()) refuse_glob(text, "it is empty");
  std::string_view below = glob;
  while (below.starts_with("../")) below.remove_prefix(3);
  if (below == ".." || below.starts_with("../") || below.find("/../") != std::string_view::npos ||
      below.ends_with("/..")) {
    refuse_glob(text, "'..' can only be the beginning of a glob");
  }
  if (glob.ends_with('/')) refuse_glob(text, "it names a directory: add ** for the files below it");
  check_characters(glob);
  return std::string(glob);
}

std::string glob_of(std::string_view path) {
  std::string glob;
  for (const char c : path) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) glob += '\\';
    glob += c;
  }
  return glob;
}

}  // namespace hpp
