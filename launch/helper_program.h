// Shell. Finds hpp's other programs.
#pragma once

#include <string>

#include "launch/core/services.h"

namespace hpp::launch {

// Returns the path of the helper's program. Looks in the build tree of this program, then in
// `../libexec/hpp` (which also works after the installation was moved), then in the directory that
// the build was configured with. Throws std::runtime_error that lists these directories.
std::string find_helper_program(Helper which);

// Returns the path of hpp-ctl. Looks in the build tree of this program, then beside this program.
// Throws std::runtime_error that lists these directories.
std::string find_ctl_program();

}  // namespace hpp::launch
