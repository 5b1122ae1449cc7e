// Pure. Reads what media type a client wants for an answer of hpp's own (RFC 9110 §12.5.1).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace hpp::proxyd {

// Any: the client names none of these.
enum class Wanted { Any, Text, Html, Json };

class AcceptReader {
 public:
  // Reads one Accept line. Several lines are one list.
  void read(std::string_view value);

  // The type with the highest quality. Of several, the one that is named most exactly, and then the
  // one that is named first.
  Wanted wanted() const;

 private:
  static constexpr std::size_t kTypes = 3;

  // The range of the list that is the most specific one for a type.
  struct Match {
    int specificity = 0;  // 3: text/html, 2: text/*, 1: */*, 0: no range matches
    int quality = 0;      // in thousandths; 0: not acceptable
    int place = 0;        // in the list
  };

  std::array<Match, kTypes> matches_;
  int ranges_ = 0;
};

}  // namespace hpp::proxyd
