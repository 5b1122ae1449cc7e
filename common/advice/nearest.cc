#include "common/advice/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace hpp::advice {
namespace {

// Longer words are not compared: no option is longer, and the time grows with the square.
constexpr std::size_t kComparedMax = 64;
// The shortest beginning of a word that stands for the word.
constexpr std::size_t kBeginningMin = 3;

std::string folded(std::string_view word) {
  std::string text(word);
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '_' ? '-' : c;
  });
  return text;
}

// The number of letters to insert, remove, replace or swap with their neighbour ("optimal string
// alignment distance").
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

// The dashes of an option are no letters.
std::size_t letters(const std::string& word) {
  return word.size() - std::min(word.find_first_not_of('-'), word.size());
}

const std::string* only_beginning_with(const std::string& beginning,
                                       const std::vector<std::string>& candidates) {
  if (letters(beginning) < kBeginningMin) return nullptr;
  const std::string* found = nullptr;
  for (const std::string& candidate : candidates) {
    if (!folded(candidate).starts_with(beginning)) continue;
    if (found != nullptr) return nullptr;
    found = &candidate;
  }
  return found;
}

}  // namespace

std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates) {
  if (word.size() > kComparedMax) return std::nullopt;
  const std::string wanted = folded(word);
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kComparedMax) continue;
    const std::string text = folded(candidate);
    const std::size_t limit = (std::min(letters(wanted), letters(text)) + 1) / 3;
    const std::size_t d = distance(wanted, text);
    if (d <= limit && (best == nullptr || d < best_distance)) {
      best = &candidate;
      best_distance = d;
    }
  }
  if (best == nullptr) best = only_beginning_with(wanted, candidates);
  return best == nullptr ? std::nullopt : std::optional(*best);
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto found = nearest(word, candidates);
  return found ? fmt::format(" Did you mean {}?", *found) : "";
}

}  // namespace hpp::advice
