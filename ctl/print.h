// Shell. Prints hpp-ctl's output, made safe for a terminal (common/text.h), because it contains the
// server's output, file names and other users' command lines.
#pragma once

#include <cstdio>
#include <string_view>

namespace hpp::ctl {

// Prints lines of text, each ending with a newline. Returns false if the reader of `file` is gone.
bool print_text(std::FILE* file, std::string_view lines);

// Prints JSON on stdout; `json` ends with a newline. Returns false if the reader is gone.
bool print_json(std::string_view json);

}  // namespace hpp::ctl
