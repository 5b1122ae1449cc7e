#include "supervisord/script.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "common/os/find_program.h"
#include "common/os/unique_fd.h"
#include "common/shell_words.h"

namespace hpp::supervisord {
namespace {

// The kernel reads this much of a script's first line (BINPRM_BUF_SIZE).
constexpr std::size_t kFirstLineMax = 256;

// A script's first line, `#!INTERPRETER ARGUMENT`. The kernel passes everything behind the
// interpreter as one argument. A carriage return at the end of the line belongs to the last word.
struct FirstLine {
  std::string interpreter;  // empty if the file is no script
  std::string argument;
};

constexpr std::string_view kBlanks = " \t";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

FirstLine read_first_line(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  char bytes[kFirstLineMax];
  const ssize_t got = fd.is_open() ? ::read(fd.get(), bytes, sizeof bytes) : -1;
  std::string_view text(bytes, got < 0 ? 0 : static_cast<std::size_t>(got));
  if (!text.starts_with("#!")) return {};
  text = trimmed(text.substr(2, text.find('\n') - 2));
  const auto end = std::min(text.find_first_of(kBlanks), text.size());
  return {.interpreter = std::string(text.substr(0, end)),
          .argument = std::string(trimmed(text.substr(end)))};
}

bool is_env(std::string_view path) {
  return path == "env" || path.ends_with("/env");
}

// The program that env(1) is to run; empty if the argument names none. Without -S, env takes the
// whole argument for a name. With -S, it splits the argument, also at carriage returns.
std::string program_of_env(std::string_view argument) {
  const auto is_name = [](std::string_view text) {
    return !text.empty() && text[0] != '-' && text.find('=') == std::string_view::npos;
  };
  if (!argument.starts_with('-')) return std::string(is_name(argument) ? argument : "");
  constexpr std::string_view kSeparators = " \t\r";
  while (!argument.empty()) {
    const auto end = std::min(argument.find_first_of(kSeparators), argument.size());
    if (is_name(argument.substr(0, end))) return std::string(argument.substr(0, end));
    argument.remove_prefix(std::min(end + 1, argument.size()));
  }
  return "";
}

// `symptom`: what the carriage return has caused.
std::string carriage_return_problem(const std::string& symptom, const std::string& program) {
  return fmt::format(R"({}, because the first line of the script ends in a carriage return (\r). )"
                     R"(Remove the carriage returns: sed -i 's/\r$//' {})",
                     symptom, shell_word(program));
}

// Shows a word that ends in a carriage return.
std::string quoted(std::string word) {
  word.pop_back();
  return fmt::format(R"("{}\r")", word);
}

// Explains an exit status that reports neither a missing program nor success.
std::string argument_problem(const std::string& program, const std::string& directory) {
  const FirstLine line = read_first_line(find_program(program, directory));
  if (!line.argument.ends_with('\r') || is_env(line.interpreter)) return "";
  return carriage_return_problem("its interpreter got the argument " + quoted(line.argument),
                                 program);
}

}  // namespace

std::string interpreter_of(const std::string& program, const std::string& directory) {
  const FirstLine line = read_first_line(find_program(program, directory));
  return is_env(line.interpreter) ? program_of_env(line.argument) : line.interpreter;
}

std::string interpreter_problem(const std::string& program, const std::string& directory) {
  const FirstLine line = read_first_line(find_program(program, directory));
  if (line.interpreter.empty()) return "";
  std::string missing = line.interpreter;
  const std::filesystem::path interpreter = std::filesystem::path(directory) / missing;
  if (!find_program(interpreter.native(), directory).empty()) {
    missing = is_env(missing) ? program_of_env(line.argument) : "";
    if (missing.empty() || !find_program(missing, directory).empty()) return "";
  }
  if (missing.ends_with('\r')) {
    return carriage_return_problem(fmt::format("its interpreter {} was not found", quoted(missing)),
                                   program);
  }
  if (missing.find_first_of(kBlanks) != std::string::npos) {
    return fmt::format(
        R"(its interpreter "{0}" was not found, because env takes all words for one name. )"
        "Change the first line of the script to #!{1} -S {0}",
        missing, line.interpreter);
  }
  return fmt::format(
      "its interpreter {} was not found. Install it, or correct the first line of the script",
      missing);
}

std::string missing_part(const std::string& program, const std::string& directory) {
  const std::string path = find_program(program, directory);
  if (path.empty()) return "";
  if (!read_first_line(path).interpreter.empty()) return interpreter_problem(program, directory);
  return "the file exists, but the loader that it names does not. It was probably built for "
         "another system";
}

std::string end_problem(ExitStatus status, const std::string& program,
                        const std::string& directory) {
  constexpr int kNotFound = 127;  // env(1), sh(1)
  if (!status.is_known || status.by_signal || status.number == 0) return "";
  return status.number == kNotFound ? interpreter_problem(program, directory)
                                    : argument_problem(program, directory);
}

}  // namespace hpp::supervisord
