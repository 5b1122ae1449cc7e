// What the fuzz targets share: how an invariant fails, and in which ways an input is cut to pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::fuzz {

// Ends the program, so that the fuzzer keeps the input: what should hold does not.
inline void check(bool holds, std::string_view what, std::string_view detail = "") {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n%.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

// Two ways to come to the same.
inline void check_same(std::string_view a, std::string_view b, std::string_view what) {
  if (a == b) return;
  check(false, what, "--- once\n" + std::string(a) + "\n--- and once\n" + std::string(b));
}

// All inputs up to this size are split at every byte.
constexpr std::size_t kSplitEverywhereMax = 512;

// Where to split a text of `size` bytes in two. The larger have too many bytes to try all.
inline std::vector<std::size_t> splits(std::string_view text) {
  std::vector<std::size_t> at;
  const std::size_t step = 1 + text.size() / kSplitEverywhereMax * 8;
  std::size_t next = step == 1 ? 1 : 1 + static_cast<unsigned char>(text.front()) % step;
  for (; next < text.size(); next += step) at.push_back(next);
  return at;
}

// The ends of what has arrived after each byte.
inline std::vector<std::size_t> byte_by_byte(std::size_t size) {
  std::vector<std::size_t> ends;
  for (std::size_t end = 1; end <= size; ++end) ends.push_back(end);
  return ends;
}

// Bytes in a place of their own with nothing behind them: whoever reads on is caught.
class Arrived {
 public:
  explicit Arrived(std::string_view text) : bytes_(text.begin(), text.end()) {}

  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

}  // namespace hpp::fuzz
