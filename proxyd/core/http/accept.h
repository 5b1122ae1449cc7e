// Pure. Reads from Accept which media type hpp's own answers should have (RFC 9110 §12.5.1).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace hpp::proxyd {

// Any: the client names none of the other three.
enum class Wanted { Any, Text, Html, Json };

class AcceptReader {
 public:
  // Reads the value of one Accept field. Call it for each Accept field of the request: together
  // they are one list.
  void read(std::string_view value);

  // Returns the type with the highest quality. If several types have it, the one with the most
  // specific range wins, then the one whose range comes first.
  Wanted wanted() const;

 private:
  static constexpr std::size_t kTypes = 3;

  // The most specific range in the list that matches one type.
  struct Match {
    int specificity = 0;  // 3: text/html, 2: text/*, 1: */*, 0: no range matches
    int quality = 0;      // in thousandths; 0: not acceptable
    int place = 0;        // the range's position in the list, from 1
  };

  std::array<Match, kTypes> matches_;
  int ranges_ = 0;
};

}  // namespace hpp::proxyd
