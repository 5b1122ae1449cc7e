#include "proxyd/core/http/accept.h"

#include <algorithm>
#include <tuple>

#include "common/take_until.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

struct Type {
  Wanted wanted;
  std::string_view name;
  std::string_view range;
};

// Text comes before HTML, so that a client that only says `text/*` gets plain text.
constexpr std::array kOffered{
    Type{Wanted::Text, "text/plain", "text/*"},
    Type{Wanted::Html, "text/html", "text/*"},
    Type{Wanted::Json, "application/json", "application/*"},
};

constexpr int kFull = 1000;

// RFC 9110 §12.4.2: a quality is 0 to 1, with up to three decimals. A malformed one counts as 1.
int read_quality(std::string_view text) {
  if (!text.starts_with('0') && !text.starts_with('1')) return kFull;
  if (text[0] == '1' || text.size() > 5) return kFull;
  if (text.size() == 1) return 0;
  if (text[1] != '.') return kFull;
  int quality = 0;
  int unit = kFull / 10;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return kFull;
    quality += (c - '0') * unit;
    unit /= 10;
  }
  return quality;
}

int quality_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = trimmed(take_until(';', parameters));
    if (same_text(parameter.substr(0, 2), "q=")) return read_quality(parameter.substr(2));
  }
  return kFull;
}

int specificity_of(std::string_view range, const Type& type) {
  if (same_text(range, type.name)) return 3;
  if (same_text(range, type.range)) return 2;
  return range == "*/*" ? 1 : 0;
}

}  // namespace

void AcceptReader::read(std::string_view value) {
  static_assert(kOffered.size() == kTypes);
  for_each_element(value, [this](std::string_view element) {
    const std::size_t semicolon = std::min(element.find(';'), element.size());
    const std::string_view range = trimmed(element.substr(0, semicolon));
    const int quality = quality_of(element.substr(semicolon));
    ++ranges_;
    for (std::size_t i = 0; i < kTypes; ++i) {
      const int specificity = specificity_of(range, kOffered[i]);
      if (specificity <= matches_[i].specificity) continue;
      matches_[i] = {.specificity = specificity, .quality = quality, .place = ranges_};
    }
  });
}

Wanted AcceptReader::wanted() const {
  const auto rank = [](const Match& match) {
    return std::tuple(match.quality, match.specificity, -match.place);
  };
  const auto best =
      std::max_element(matches_.begin(), matches_.end(),
                       [&](const Match& a, const Match& b) { return rank(a) < rank(b); });
  if (best->quality == 0 || best->specificity == 1) return Wanted::Any;
  return kOffered[static_cast<std::size_t>(best - matches_.begin())].wanted;
}

}  // namespace hpp::proxyd
