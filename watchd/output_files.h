// Shell. Finds the files that hpp's output is written to.
#pragma once

#include <string>
#include <vector>

namespace hpp::watchd {

// Returns the paths of the files that this process's output goes to, directly
// (`> hpp.log`) or through other programs of its pipeline (`| tee hpp.log`). Call it at the start:
// a program of the pipeline that has not opened its file yet is not noticed.
std::vector<std::string> files_of_output();

}  // namespace hpp::watchd
