// Shell. Finds the files that hpp's output is written to.
#pragma once

#include <string>
#include <vector>

namespace hpp::watchd {

// Returns the paths of the files that this process's output goes to, directly (`> hpp.log`) or
// through pipes: to another program of its pipeline (`| tee hpp.log`), or to the program that has
// started it (`foreman start > dev.log`). A program that has not opened its file yet is not
// noticed.
std::vector<std::string> files_of_output();

}  // namespace hpp::watchd
