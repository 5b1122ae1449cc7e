// Pure. Parses and formats the command line's addresses: `PORT`, `HOST:PORT`, `[V6]:PORT`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hpp {

// An address to listen on or connect to: a host as the user wrote it (a name, or an IP address
// without brackets) and a port.
struct Address {
  std::string host = "localhost";
  std::uint16_t port = 0;

  bool operator==(const Address&) const = default;
};

// Reads an address. A port alone means `localhost`, which is both 127.0.0.1 and ::1.
// Throws std::invalid_argument that says what was expected and what was found.
Address parse_address(std::string_view text);

// `localhost:8000`, `[::1]:8000`: the form that parse_address reads and that URLs use.
std::string to_string(const Address& address);

// Whether `host` means all addresses of this machine: 0.0.0.0 or ::.
bool is_wildcard(std::string_view host);

// The address of the site in a browser on this machine: `http://localhost:8000/`. A wildcard
// address, such as 0.0.0.0, becomes `localhost`.
std::string site_url(const Address& address);

// The default name of the instance that listens on `address`, usable as a file name:
// `localhost-8000`.
std::string instance_name(const Address& address);

// Whether `name` is allowed as an instance name. It is used as a directory name and in shell
// completions. The empty name is allowed and means the default, instance_name().
bool is_instance_name(std::string_view name);

}  // namespace hpp
