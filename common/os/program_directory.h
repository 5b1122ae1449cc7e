// Finds the directory of this program, to look for files that were installed with it.
#pragma once

#include <string>

namespace hpp {

// Returns the directory of this program's executable, with symbolic links resolved; `.` if it is
// not known.
std::string program_directory();

}  // namespace hpp
