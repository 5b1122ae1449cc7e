// Pure. Explains why a program cannot be run: what the name leads to, and what to write instead.
#pragma once

#include <string>
#include <vector>

namespace hpp::supervisord {

// The things that the first word of a command leads to.
struct ProgramFacts {
  std::string program;                 // the word
  bool is_file = false;                // a file has this path, in the working directory
  bool is_directory = false;           // a directory has it
  std::vector<std::string> available;  // those of known_programs() that PATH has
};

// Programs that start servers, for "Did you mean …?".
const std::vector<std::string>& known_programs();

// Returns why execvp(3) found no program (ENOENT), or may not run it (EACCES), without the word
// itself: `no program in PATH has this name. Did you mean python3?`.
std::string missing_program_text(const ProgramFacts& facts);

}  // namespace hpp::supervisord
