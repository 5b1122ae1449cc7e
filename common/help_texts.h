// Pure. What --help says before and after the list of options.
#pragma once

#include "common/program.h"

namespace hpp {

// Both return literals of several lines, without a newline at the end.
const char* description(Program program);
const char* examples(Program program);

}  // namespace hpp
