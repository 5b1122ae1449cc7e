#include "ctl/core/qr_code.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <utility>

namespace hpp::ctl {
namespace {

// The versions 1 to 5 at level L.
struct Version {
  std::size_t data;   // codewords of data
  std::size_t check;  // codewords of error correction
};

constexpr std::array kVersions{Version{19, 7}, Version{34, 10}, Version{55, 15}, Version{80, 20},
                               Version{108, 26}};
constexpr std::size_t kHeaderBits = 12;  // the mode and the length
constexpr int kMasks = 8;

// ---- codewords ----------------------------------------------------------------------------------

class Bits {
 public:
  void append(unsigned value, int count) {
    while (count-- > 0) bits_.push_back(((value >> count) & 1U) != 0);
  }

  std::size_t size() const { return bits_.size(); }

  std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> bytes(bits_.size() / 8);
    for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
      bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] << 1 | (bits_[i] ? 1 : 0));
    }
    return bytes;
  }

 private:
  std::vector<bool> bits_;
};

std::vector<std::uint8_t> data_codewords(std::string_view text, std::size_t count) {
  constexpr unsigned kByteMode = 0b0100;
  Bits bits;
  bits.append(kByteMode, 4);
  bits.append(static_cast<unsigned>(text.size()), 8);
  for (const char c : text) bits.append(static_cast<unsigned char>(c), 8);
  bits.append(0, 4);  // the end; together with the mode it makes whole bytes
  std::vector<std::uint8_t> codewords = bits.bytes();
  for (std::uint8_t pad = 0xEC; codewords.size() < count; pad ^= 0xEC ^ 0x11) {
    codewords.push_back(pad);
  }
  codewords.resize(count);
  return codewords;
}

// The product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1.
std::uint8_t product(std::uint8_t a, std::uint8_t b) {
  unsigned result = 0;
  for (int i = 7; i >= 0; --i) {
    result = (result << 1) ^ ((result >> 7) * 0x11DU);
    if (((b >> i) & 1) != 0) result ^= a;
  }
  return static_cast<std::uint8_t>(result);
}

// The coefficients of the product of (x - 2^i) for i below `degree`, without the first, which is 1.
std::vector<std::uint8_t> generator(std::size_t degree) {
  std::vector<std::uint8_t> result(degree);
  result.back() = 1;
  std::uint8_t root = 1;
  for (std::size_t i = 0; i < degree; ++i) {
    for (std::size_t j = 0; j < degree; ++j) {
      result[j] = product(result[j], root);
      if (j + 1 < degree) result[j] ^= result[j + 1];
    }
    root = product(root, 2);
  }
  return result;
}

// The remainder of a Reed-Solomon code.
std::vector<std::uint8_t> check_codewords(const std::vector<std::uint8_t>& data,
                                          std::size_t count) {
  const std::vector<std::uint8_t> divisor = generator(count);
  std::vector<std::uint8_t> result(count);
  for (const std::uint8_t byte : data) {
    const auto factor = static_cast<std::uint8_t>(byte ^ result.front());
    result.erase(result.begin());
    result.push_back(0);
    for (std::size_t i = 0; i < count; ++i) result[i] ^= product(divisor[i], factor);
  }
  return result;
}

// ---- modules ------------------------------------------------------------------------------------

class Drawing {
 public:
  explicit Drawing(std::size_t version)
      : size_(static_cast<int>(17 + 4 * version)),
        dark_(size_t_of(size_), std::vector<bool>(size_t_of(size_))),
        fixed_(dark_) {
    for (int i = 0; i < size_; ++i) {
      fix(6, i, i % 2 == 0);
      fix(i, 6, i % 2 == 0);
    }
    for (const auto& [x, y] : {std::pair{3, 3}, {size_ - 4, 3}, {3, size_ - 4}}) draw_finder(x, y);
    if (version > 1) draw_alignment(size_ - 7);
    draw_format(0);
  }

  void draw_codewords(const std::vector<std::uint8_t>& codewords) {
    std::size_t i = 0;
    for (int right = size_ - 1; right >= 1; right -= 2) {
      if (right == 6) right = 5;  // the column of the timing pattern
      const bool is_upward = ((right + 1) & 2) == 0;
      for (int step = 0; step < size_; ++step) {
        for (const int x : {right, right - 1}) {
          const int y = is_upward ? size_ - 1 - step : step;
          if (is_fixed(x, y) || i >= codewords.size() * 8) continue;
          set(x, y, ((codewords[i / 8] >> (7 - i % 8)) & 1) != 0);
          ++i;
        }
      }
    }
  }

  // Inverts modules; the second call with the same mask undoes the first.
  void apply_mask(int mask) {
    for (int y = 0; y < size_; ++y) {
      for (int x = 0; x < size_; ++x) {
        if (!is_fixed(x, y) && is_inverted(mask, x, y)) set(x, y, !is_dark(x, y));
      }
    }
  }

  // Level L and the mask, with their error correction, at both places.
  void draw_format(int mask) {
    const auto data = static_cast<unsigned>(1 << 3 | mask);
    unsigned rest = data;
    for (int i = 0; i < 10; ++i) rest = (rest << 1) ^ ((rest >> 9) * 0x537U);
    const unsigned bits = (data << 10 | rest) ^ 0x5412U;
    const auto bit = [bits](int i) { return ((bits >> i) & 1U) != 0; };
    for (int i = 0; i <= 5; ++i) fix(8, i, bit(i));
    fix(8, 7, bit(6));
    fix(8, 8, bit(7));
    fix(7, 8, bit(8));
    for (int i = 9; i < 15; ++i) fix(14 - i, 8, bit(i));
    for (int i = 0; i < 8; ++i) fix(size_ - 1 - i, 8, bit(i));
    for (int i = 8; i < 15; ++i) fix(8, size_ - 15 + i, bit(i));
    fix(8, size_ - 8, true);
  }

  // How hard the code is to read. The mask with the lowest penalty is used.
  int penalty() const {
    int result = 0;
    int dark = 0;
    for (int a = 0; a < size_; ++a) {
      result += penalty_of_line([&](int b) { return is_dark(b, a); });
      result += penalty_of_line([&](int b) { return is_dark(a, b); });
      for (int b = 0; b < size_; ++b) {
        if (is_dark(a, b)) ++dark;
        if (a > 0 && b > 0 && is_dark(a, b) == is_dark(a - 1, b) &&
            is_dark(a, b) == is_dark(a, b - 1) && is_dark(a, b) == is_dark(a - 1, b - 1)) {
          result += 3;
        }
      }
    }
    const int total = size_ * size_;
    return result + 10 * ((std::abs(dark * 20 - total * 10) + total - 1) / total - 1);
  }

  QrCode code() const { return dark_; }

 private:
  static std::size_t size_t_of(int number) { return static_cast<std::size_t>(number); }

  bool is_dark(int x, int y) const { return dark_[size_t_of(y)][size_t_of(x)]; }

  bool is_fixed(int x, int y) const { return fixed_[size_t_of(y)][size_t_of(x)]; }

  void set(int x, int y, bool dark) { dark_[size_t_of(y)][size_t_of(x)] = dark; }

  void fix(int x, int y, bool dark) {
    set(x, y, dark);
    fixed_[size_t_of(y)][size_t_of(x)] = true;
  }

  // `x`, `y`: the centre.
  void draw_finder(int x, int y) {
    for (int dy = -4; dy <= 4; ++dy) {
      for (int dx = -4; dx <= 4; ++dx) {
        const bool is_inside = x + dx >= 0 && x + dx < size_ && y + dy >= 0 && y + dy < size_;
        const int distance = std::max(std::abs(dx), std::abs(dy));
        if (is_inside) fix(x + dx, y + dy, distance != 2 && distance != 4);
      }
    }
  }

  void draw_alignment(int centre) {
    for (int dy = -2; dy <= 2; ++dy) {
      for (int dx = -2; dx <= 2; ++dx) {
        fix(centre + dx, centre + dy, std::max(std::abs(dx), std::abs(dy)) != 1);
      }
    }
  }

  static bool is_inverted(int mask, int x, int y) {
    switch (mask) {
      case 0:
        return (x + y) % 2 == 0;
      case 1:
        return y % 2 == 0;
      case 2:
        return x % 3 == 0;
      case 3:
        return (x + y) % 3 == 0;
      case 4:
        return (x / 3 + y / 2) % 2 == 0;
      case 5:
        return x * y % 2 + x * y % 3 == 0;
      case 6:
        return (x * y % 2 + x * y % 3) % 2 == 0;
      default:
        return ((x + y) % 2 + x * y % 3) % 2 == 0;
    }
  }

  // Long runs of one colour, and runs that look like a finder.
  template <class IsDark>
  int penalty_of_line(IsDark is_dark_at) const {
    constexpr std::string_view kFinder = "1011101";
    int result = 0;
    int run = 0;
    std::string line(4, '0');  // the light border
    for (int i = 0; i < size_; ++i) {
      run = i > 0 && is_dark_at(i) == is_dark_at(i - 1) ? run + 1 : 1;
      if (run == 5) result += 3;
      if (run > 5) ++result;
      line += is_dark_at(i) ? '1' : '0';
    }
    line += "0000";
    for (auto at = line.find(kFinder); at != std::string::npos; at = line.find(kFinder, at + 1)) {
      const std::string_view around(line);
      if (around.substr(at - 4, 4) == "0000" || around.substr(at + 7, 4) == "0000") result += 40;
    }
    return result;
  }

  int size_;
  QrCode dark_;
  QrCode fixed_;  // modules of patterns, not of data
};

}  // namespace

std::optional<QrCode> qr_code(std::string_view text) {
  std::size_t version = 1;
  while (version <= kVersions.size() &&
         kHeaderBits + 8 * text.size() > 8 * kVersions.at(version - 1).data) {
    ++version;
  }
  if (version > kVersions.size()) return std::nullopt;
  std::vector<std::uint8_t> codewords = data_codewords(text, kVersions.at(version - 1).data);
  const auto check = check_codewords(codewords, kVersions.at(version - 1).check);
  codewords.insert(codewords.end(), check.begin(), check.end());
  Drawing drawing(version);
  drawing.draw_codewords(codewords);
  int best = 0;
  int lowest = std::numeric_limits<int>::max();
  for (int mask = 0; mask < kMasks; ++mask) {
    drawing.apply_mask(mask);
    drawing.draw_format(mask);
    const int penalty = drawing.penalty();
    if (penalty < lowest) {
      lowest = penalty;
      best = mask;
    }
    drawing.apply_mask(mask);
  }
  drawing.apply_mask(best);
  drawing.draw_format(best);
  return drawing.code();
}

std::string draw(const QrCode& code, bool has_colours) {
  constexpr int kBorder = 2;
  const int size = static_cast<int>(code.size());
  const auto is_light = [&](int x, int y) {
    const bool is_inside = x >= 0 && x < size && y >= 0 && y < size;
    return !is_inside || !code[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)];
  };
  std::string text;
  for (int y = -kBorder; y < size + kBorder; y += 2) {
    if (has_colours) text += "\x1b[97;40m";
    for (int x = -kBorder; x < size + kBorder; ++x) {
      const bool has_lower = y + 1 < size + kBorder;
      const bool upper = is_light(x, y);
      const bool lower = has_lower && is_light(x, y + 1);
      text += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    }
    text += has_colours ? "\x1b[0m\n" : "\n";
  }
  return text;
}

}  // namespace hpp::ctl
