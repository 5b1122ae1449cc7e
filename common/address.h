// Pure. Reads and prints the addresses of the command line: `PORT`, `HOST:PORT`, `[V6]:PORT`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hpp {

// Where to listen or connect: a host as the user wrote it (a name, or an IP address without
// brackets) and a port.
struct Address {
  std::string host = "localhost";
  std::uint16_t port = 0;

  bool operator==(const Address&) const = default;
};

// Reads an address. A port alone means `localhost`, which is both 127.0.0.1 and ::1.
// Throws std::invalid_argument, saying what was expected and what was got.
Address parse_address(std::string_view text);

// `localhost:8000`, `[::1]:8000`: the form that parse_address reads and that URLs use.
std::string to_string(const Address& address);

// The name of the instance that serves `address`, fit for a file name: `localhost-8000`.
std::string instance_name(const Address& address);

// Whether an instance may have that name, which becomes a directory and is offered by the shell's
// completion. The empty name stands for the one that the address gives.
bool is_instance_name(std::string_view name);

}  // namespace hpp
