// Pure. Reads errors as interpreters, runtimes and compilers print them. error_search.h chooses
// one.
//
// Each function finds the errors of its language, in the order in which they were printed. The
// output may begin and end anywhere, so what is incomplete is skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hpp::errors {

struct PrintedFrame {
  std::string file;             // as printed
  std::uint64_t line = 0;       // 0: not printed
  std::uint64_t column = 0;     // from 1; 0: not printed
  std::size_t output_line = 0;  // the number of its first line in the output
  std::size_t output_lines = 1;
  bool is_foreign = false;  // the runtime's or a library's, as its name says
};

struct PrintedError {
  std::string message;               // one line, not empty
  std::vector<PrintedFrame> frames;  // innermost first; then those of the errors that caused it
  std::size_t output_line = 0;       // the number of its last line in the output
};

using Lines = std::vector<std::string>;  // plain_lines()
using PrintedErrors = std::vector<PrintedError>;

// Errors that end a program.
PrintedErrors read_python_errors(const Lines& lines);
PrintedErrors read_javascript_errors(const Lines& lines);
PrintedErrors read_ruby_errors(const Lines& lines);
PrintedErrors read_php_errors(const Lines& lines);
PrintedErrors read_java_errors(const Lines& lines);
PrintedErrors read_go_panics(const Lines& lines);
PrintedErrors read_rust_panics(const Lines& lines);
PrintedErrors read_c_failures(const Lines& lines);  // assert(3) and sanitizers

// Errors of compilers and bundlers.
PrintedErrors read_compiler_errors(const Lines& lines);

// The last line that reports an error without a place, such as `Error: …` and `fatal: …`; empty if
// there is none.
PrintedErrors read_plain_errors(const Lines& lines);

// Joins a message that ends with a colon with the lines that complete it. `number` is the line
// after the message, and becomes the line after the last one that was joined.
std::string complete_message(std::string message, const Lines& lines, std::size_t& number);

}  // namespace hpp::errors
