#include "common/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "common/read_number.h"

namespace hpp {
namespace {

constexpr std::string_view kForm = "Write HOST:PORT, such as localhost:8000";

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument(fmt::format("'{}' {}", text, why));
}

bool is_port_alone(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::uint16_t parse_port(std::string_view text, std::string_view digits) {
  const auto port = read_number<unsigned long long>(digits);
  if (!port && !is_port_alone(digits)) {
    refuse(text, fmt::format("has no number as its port. {}", kForm));
  }
  if (!port || *port == 0 || *port > 65535)
    refuse(text, "is no port: a port is a number from 1 to 65535");
  return static_cast<std::uint16_t>(*port);
}

// Refuses a URL, and says which address is in it.
[[noreturn]] void refuse_url(std::string_view text) {
  std::string_view rest = text.substr(text.find("://") + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const bool has_port = rest.find(':') != std::string_view::npos && !rest.ends_with(':');
  refuse(text, fmt::format("is a URL, and hpp needs an address. {}",
                           has_port ? fmt::format("Write {}", rest) : kForm));
}

// Whether an instance name may contain this character.
bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

}  // namespace

Address parse_address(std::string_view text) {
  if (text.find("://") != std::string_view::npos) refuse_url(text);
  if (is_port_alone(text)) return {.port = parse_port(text, text)};
  if (text.starts_with('[')) {
    const auto close = text.find("]:");
    if (close == std::string_view::npos || close == 1) {
      refuse(text, "has no port. Write [V6]:PORT, such as [::1]:8000");
    }
    return {.host = std::string(text.substr(1, close - 1)),
            .port = parse_port(text, text.substr(close + 2))};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text, fmt::format("has no port. {}", kForm));
  const auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  if (host.empty()) {
    refuse(text, fmt::format("has no host. Write {0} for this machine alone, or 0.0.0.0:{0} to "
                             "listen on all of its addresses",
                             port));
  }
  if (host.find(':') != std::string_view::npos) {
    refuse(text, fmt::format("is an IPv6 address without brackets. Write [{}]:{}", host, port));
  }
  if (host.find_first_of("/ ") != std::string_view::npos) {
    refuse(text, fmt::format("has no host name before its port. {}", kForm));
  }
  if (const auto slash = port.find('/'); slash != std::string_view::npos) {
    refuse(text, fmt::format("has a path, and an address has none. Write {}:{}", host,
                             port.substr(0, slash)));
  }
  return {.host = std::string(host), .port = parse_port(text, port)};
}

std::string to_string(const Address& address) {
  const bool is_v6 = address.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", address.host, address.port)
               : fmt::format("{}:{}", address.host, address.port);
}

bool is_wildcard(std::string_view host) {
  return host == "0.0.0.0" || host == "::";
}

std::string site_url(const Address& address) {
  return fmt::format(
      "http://{}/", to_string(is_wildcard(address.host) ? Address{.port = address.port} : address));
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
