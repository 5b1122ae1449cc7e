#include "supervisord/script.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include "common/os/find_program.h"
#include "common/os/unique_fd.h"
#include "common/shell_words.h"

namespace hpp::supervisord {
namespace {

// The kernel reads this much of a script's first line (BINPRM_BUF_SIZE).
constexpr std::size_t kFirstLineMax = 256;

// The first line without its `#!`; empty if the file is no script.
std::string interpreter_line(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  char bytes[kFirstLineMax];
  const ssize_t got = fd.is_open() ? ::read(fd.get(), bytes, sizeof bytes) : -1;
  std::string_view text(bytes, got < 0 ? 0 : static_cast<std::size_t>(got));
  if (!text.starts_with("#!")) return "";
  text.remove_prefix(2);
  return std::string(text.substr(0, text.find('\n')));
}

// Splits at blanks only. The kernel takes a carriage return as part of a word, too.
std::vector<std::string> words_of(std::string_view line) {
  constexpr std::string_view kBlanks = " \t";
  std::vector<std::string> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    if (line.empty()) return words;
    const auto end = std::min(line.find_first_of(kBlanks), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool is_env(std::string_view path) {
  return path == "env" || path.ends_with("/env");
}

// The program that env(1) is to run; empty if `words` name none.
std::string program_of_env(const std::vector<std::string>& words) {
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    const bool is_option = word->starts_with('-');
    const bool is_variable = word->find('=') != std::string::npos;
    if (!is_option && !is_variable) return *word;
  }
  return "";
}

}  // namespace

std::string interpreter_problem(const std::string& program, const std::string& directory) {
  const auto words = words_of(interpreter_line(find_program(program, directory)));
  if (words.empty()) return "";
  std::string missing = words.front();
  const std::filesystem::path interpreter = std::filesystem::path(directory) / missing;
  if (!find_program(interpreter.native(), directory).empty()) {
    missing = is_env(missing) ? program_of_env(words) : "";
    if (missing.empty() || !find_program(missing, directory).empty()) return "";
  }
  if (!missing.ends_with('\r')) {
    return fmt::format(
        "its interpreter {} was not found. Install it, or correct the first line of the script",
        missing);
  }
  missing.pop_back();
  return fmt::format(
      R"(its interpreter "{}\r" was not found, because the first line of the script ends in a )"
      R"(carriage return (\r). Remove the carriage returns: sed -i 's/\r$//' {})",
      missing, shell_word(program));
}

std::string missing_part(const std::string& program, const std::string& directory) {
  const std::string path = find_program(program, directory);
  if (path.empty()) return "";
  if (!interpreter_line(path).empty()) return interpreter_problem(program, directory);
  return "the file exists, but the loader that it names does not. It was probably built for "
         "another "
         "system";
}

std::string end_problem(ExitStatus status, const std::string& program,
                        const std::string& directory) {
  constexpr int kNotFound = 127;  // env(1), sh(1)
  const bool is_not_found = status.is_known && !status.by_signal && status.number == kNotFound;
  return is_not_found ? interpreter_problem(program, directory) : "";
}

}  // namespace hpp::supervisord
