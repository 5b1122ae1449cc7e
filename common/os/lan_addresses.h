// The addresses under which other machines of the local network reach this one.
#pragma once

#include <string>
#include <vector>

namespace hpp {

// Returns private IPv4 addresses of this machine. Leaves out networks that only exist within this
// machine: those of containers and virtual machines, as far as their interfaces' names tell.
std::vector<std::string> lan_addresses();

}  // namespace hpp
