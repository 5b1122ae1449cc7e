#include "common/private_address.h"

#include <array>
#include <cstdint>
#include <optional>

#include "common/read_number.h"

namespace hpp {
namespace {

std::optional<std::array<std::uint8_t, 4>> read_ipv4(std::string_view text) {
  std::array<std::uint8_t, 4> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (i + 1 == parts.size())) return std::nullopt;
    const auto number = read_number<std::uint8_t>(text.substr(0, dot));
    if (!number) return std::nullopt;
    parts.at(i) = *number;
    text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
  }
  return parts;
}

}  // namespace

bool is_ipv4_address(std::string_view text) {
  return read_ipv4(text).has_value();
}

bool is_private_address(std::string_view ip) {
  if (const auto v4 = read_ipv4(ip)) {
    const auto& part = *v4;
    return part[0] == 10 || (part[0] == 172 && part[1] >= 16 && part[1] < 32) ||
           (part[0] == 192 && part[1] == 168) || (part[0] == 169 && part[1] == 254) ||
           (part[0] == 100 && part[1] >= 64 && part[1] < 128);
  }
  if (ip.find(':') == std::string_view::npos) return false;
  for (const std::string_view prefix : {"fc", "fd", "fe8", "fe9", "fea", "feb"}) {
    if (ip.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace hpp
