// Shell. hpp-ctl's output, made safe for a terminal (common/text.h): it quotes the user's server,
// names of files and other users' command lines.
#pragma once

#include <cstdio>
#include <string_view>

namespace hpp::ctl {

// Prints lines of text, each with its end. Returns false if the reader of `file` is gone.
bool print_text(std::FILE* file, std::string_view lines);

// Prints JSON on stdout, with its end of line. Returns false if the reader is gone.
bool print_json(std::string_view json);

}  // namespace hpp::ctl
