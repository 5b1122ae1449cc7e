// Finds a program as execvp(3) does.
#pragma once

#include <string>

namespace hpp {

// Returns the file that execvp(3) would take in a process whose working directory is `directory`;
// empty if there is none. An empty `directory` stands for that of this process.
std::string find_program(const std::string& program, const std::string& directory = "");

}  // namespace hpp
