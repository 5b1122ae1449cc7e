// Shell. Finds the programs of the helpers.
#pragma once

#include <string>

#include "launch/core/services.h"

namespace hpp::launch {

// The path of the helper's program: from the same build tree as this program, or installed beside
// it (`../libexec/hpp`, which an install that was moved keeps), or where the build was told to
// install helpers. Throws std::runtime_error saying where it was looked for.
std::string find_helper_program(Helper which);

}  // namespace hpp::launch
