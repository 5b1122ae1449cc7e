#include "common/shell_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace hpp {
namespace {

constexpr std::string_view kBlanks = " \t\n";
constexpr std::string_view kContinuation = "\\\n";
constexpr std::string_view kOfShell = "|&;<>()$`*?";
// These characters are special only at the beginning of a word.
constexpr std::string_view kOfShellInFront = "#~";
constexpr std::string_view kOfShellInQuotes = "$`";
constexpr std::string_view kEscapedInQuotes = "$`\"\\";

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

[[noreturn]] void refuse(std::string_view what) {
  throw std::invalid_argument(fmt::format(
      "{} needs a shell: quote it, or write [\"sh\", \"-c\", \"the whole command\"]", what));
}

// Whether the word begins with `NAME=`, which sets a variable if it precedes a command.
bool is_assignment(std::string_view word) {
  const auto name = word.substr(0, word.find('='));
  if (name.size() == word.size() || name.empty()) return false;
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

class Splitter {
 public:
  explicit Splitter(std::string_view command) : rest_(command) {}

  std::vector<std::string> split() {
    std::vector<std::string> words;
    for (skip_blanks(); !rest_.empty(); skip_blanks()) {
      const std::string_view begin = rest_;
      words.push_back(read_word());
      if (words.size() == 1 && is_assignment(begin)) refuse("a variable before the command");
    }
    return words;
  }

 private:
  void skip_blanks() {
    do {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
    } while (skip_continuation());
  }

  // Skips a backslash followed by a newline: the next line continues the word (POSIX 2.2.1).
  bool skip_continuation() {
    if (!rest_.starts_with(kContinuation)) return false;
    rest_.remove_prefix(kContinuation.size());
    return true;
  }

  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::string read_word() {
    std::string word;
    if (is_one_of(rest_.front(), kOfShellInFront)) refuse(rest_.substr(0, 1));
    while (!rest_.empty() && !is_one_of(rest_.front(), kBlanks)) {
      if (skip_continuation()) continue;
      const char c = rest_.front();
      if (is_one_of(c, kOfShell)) refuse(rest_.substr(0, 1));
      take();
      if (c == '\'' || c == '"') {
        read_quoted(word, c);
      } else if (c == '\\') {
        if (rest_.empty()) throw std::invalid_argument("expected a character after the last \\");
        word += take();
      } else {
        word += c;
      }
    }
    return word;
  }

  void read_quoted(std::string& word, char quote) {
    while (!rest_.empty()) {
      if (quote == '"' && skip_continuation()) continue;
      if (quote == '"' && is_one_of(rest_.front(), kOfShellInQuotes)) refuse(rest_.substr(0, 1));
      const char c = take();
      if (c == quote) return;
      const bool escapes = quote == '"' && c == '\\' && !rest_.empty();
      word += escapes && is_one_of(rest_.front(), kEscapedInQuotes) ? take() : c;
    }
    throw std::invalid_argument(fmt::format("expected another {} at the end", quote));
  }

  std::string_view rest_;
};

}  // namespace

std::vector<std::string> shell_words(std::string_view command) {
  return Splitter(command).split();
}

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain = "@%+=:,./-_";
  const auto is_plain = [&](unsigned char c) {
    return std::isalnum(c) != 0 || is_one_of(static_cast<char>(c), kPlain);
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + '\'';
}

}  // namespace hpp
