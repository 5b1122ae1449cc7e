// Pure. A regular expression that is searched for in a line, in ECMAScript's grammar.
//
// The time of a search grows with the length of the line, and not exponentially, and it needs no
// recursion for each character. Therefore there are no back-references (\1). A byte that is not
// ASCII counts as a character of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace hpp {

class LineRegex {
 public:
  // Throws std::invalid_argument, whose text names the position of the mistake:
  // `character 4 of abc(def: the parenthesis is not closed`.
  explicit LineRegex(const std::string& text);
  ~LineRegex();
  LineRegex(LineRegex&&) noexcept;
  LineRegex& operator=(LineRegex&&) noexcept;

  // Whether the line has a part that matches.
  bool matches(std::string_view line) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace hpp
