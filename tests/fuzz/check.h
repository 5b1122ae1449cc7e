// Functions that the fuzz targets share: they check invariants and cut inputs into pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::fuzz {

// Aborts the program if an invariant does not hold, so that the fuzzer keeps the input.
inline void check(bool holds, std::string_view what, std::string_view detail = "") {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n%.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

// Checks that two results are equal.
inline void check_same(std::string_view a, std::string_view b, std::string_view what) {
  if (a == b) return;
  check(false, what, "--- once\n" + std::string(a) + "\n--- and once\n" + std::string(b));
}

// All inputs up to this size are split at every byte.
constexpr std::size_t kSplitEverywhereMax = 512;

// Returns the positions at which to split a text in two. A large text has too many to try all.
inline std::vector<std::size_t> splits(std::string_view text) {
  std::vector<std::size_t> at;
  const std::size_t step = 1 + text.size() / kSplitEverywhereMax * 8;
  std::size_t next = step == 1 ? 1 : 1 + static_cast<unsigned char>(text.front()) % step;
  for (; next < text.size(); next += step) at.push_back(next);
  return at;
}

// Returns the ends of a text that arrives byte by byte: 1, 2, …, `size`.
inline std::vector<std::size_t> byte_by_byte(std::size_t size) {
  std::vector<std::size_t> ends;
  for (std::size_t end = 1; end <= size; ++end) ends.push_back(end);
  return ends;
}

// A copy of the bytes in a separate allocation, so that AddressSanitizer detects a read behind
// them.
class Arrived {
 public:
  explicit Arrived(std::string_view text) : bytes_(text.begin(), text.end()) {}

  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

}  // namespace hpp::fuzz
