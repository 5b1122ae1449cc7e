// Pure. Finds the word that a misspelled one probably stands for, for "Did you mean …?".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::advice {

// Returns the candidate that is most like `word`, or nothing if none is like it. Words are alike if
// few letters are missing, added, replaced or swapped with their neighbours (at most a third of the
// shorter word), or if `word` is the beginning of only one candidate. Case and the difference
// between `-` and `_` do not count. If several candidates are equally near, the first one wins.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

// ` Did you mean --pattern?`, with the leading blank; empty if no candidate is like `word`.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace hpp::advice
