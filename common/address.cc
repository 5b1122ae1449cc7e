#include "common/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "common/read_number.h"

namespace hpp {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument(
      fmt::format("expected PORT, HOST:PORT or [V6]:PORT, got '{}': {}", text, why));
}

std::uint16_t parse_port(std::string_view text, std::string_view digits) {
  const auto port = read_number<unsigned>(digits);
  if (!port) refuse(text, "the port is not a number");
  if (*port == 0 || *port > 65535) refuse(text, "a port is a number from 1 to 65535");
  return static_cast<std::uint16_t>(*port);
}

bool is_port_alone(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Whether an instance name may contain this character.
bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

}  // namespace

Address parse_address(std::string_view text) {
  if (text.starts_with("http://") || text.starts_with("https://")) {
    refuse(text, "write the address without http://");
  }
  if (is_port_alone(text)) return {.port = parse_port(text, text)};
  if (text.starts_with('[')) {
    const auto close = text.find("]:");
    if (close == std::string_view::npos || close == 1) refuse(text, "']:PORT' is missing");
    return {.host = std::string(text.substr(1, close - 1)),
            .port = parse_port(text, text.substr(close + 2))};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text, "the port is missing");
  const auto host = text.substr(0, colon);
  if (host.empty()) refuse(text, "the host is missing (0.0.0.0:PORT listens on every interface)");
  if (host.find(':') != std::string_view::npos) refuse(text, "IPv6 addresses need brackets");
  if (host.find_first_of("/ ") != std::string_view::npos) refuse(text, "this is not a host name");
  return {.host = std::string(host), .port = parse_port(text, text.substr(colon + 1))};
}

std::string to_string(const Address& address) {
  const bool is_v6 = address.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", address.host, address.port)
               : fmt::format("{}:{}", address.host, address.port);
}

std::string instance_name(const Address& address) {
  std::string name = fmt::format("{}-{}", address.host, address.port);
  std::replace_if(name.begin(), name.end(), std::not_fn(is_of_name), '_');
  return name;
}

bool is_instance_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), is_of_name) && !name.starts_with('.') &&
         !name.starts_with('-');
}

}  // namespace hpp
