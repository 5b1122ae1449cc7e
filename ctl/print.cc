#include "ctl/print.h"

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
  return print(file, printable_lines(lines));
}

bool print_json(std::string_view json) {
  return print(stdout, printable_json(json));
}

}  // namespace hpp::ctl
