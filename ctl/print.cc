#include "ctl/print.h"

#include <unistd.h>

#include <string>

#include "common/text.h"

namespace hpp::ctl {
namespace {

// Flushes, so that a program that reads the output gets each line at once.
bool print(std::FILE* file, const std::string& safe) {
  return std::fputs(safe.c_str(), file) >= 0 && std::fflush(file) == 0;
}

}  // namespace

bool print_text(std::FILE* file, std::string_view lines) {
  const bool is_terminal = ::isatty(::fileno(file)) != 0;
  return print(file, printable_lines(lines, is_terminal ? Colours::Keep : Colours::Remove));
}

bool print_json(std::string_view json) {
  return print(stdout, printable_json(json));
}

}  // namespace hpp::ctl
