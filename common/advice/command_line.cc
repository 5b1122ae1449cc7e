#include "common/advice/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "common/address.h"
#include "common/advice/nearest.h"
#include "common/shell_words.h"

namespace hpp::advice {
namespace {

using Texts = std::vector<std::string>;
using Takes = KnownOption::Takes;

// So many files after one --pattern are not typed by a person.
constexpr std::size_t kExpandedMin = 3;

// The names that other tools give to an option, and hpp's name for it. A name is never proposed if
// hpp does not have the option.
constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
    {"--watch", "--pattern"},     {"-w", "--pattern"},
    {"--include", "--pattern"},   {"--ignore", "--exclude"},
    {"-i", "--exclude"},          {"--command", "--exec"},
    {"--cmd", "--exec"},          {"-c", "--exec"},
    {"--delay", "--settle"},      {"--debounce", "--settle"},
    {"--env", "--env-file"},      {"--dotenv", "--env-file"},
    {"--livereload", "--inject"}, {"--live-reload", "--inject"}};

constexpr std::string_view kNamesOfBind[] = {"--bind", "--port", "--listen", "--host",
                                             "--frontend"};
// Options of servers that look like a misspelled option of hpp.
constexpr std::string_view kServers[] = {"--noreload", "--no-reload"};
constexpr std::string_view kNamesOfBackend[] = {"--backend", "--target", "--upstream", "--proxy"};

// Options that a server hardly has. Others, such as --debug and --reload, may be the server's own.
constexpr std::string_view kOnlyHpps[] = {
    "--pattern",     "--exclude",         "--livereload-port", "--inject",  "--keep-last-good",
    "--barrier",     "--barrier-timeout", "--gitignore",       "--watcher", "--no-default-excludes",
    "--queue-limit", "--queue-timeout",   "--ready-path",      "--warm",    "--ignore-unchanged"};

template <class List>
bool is_in(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool is_address(const std::string& text) {
  try {
    parse_address(text);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

bool looks_like_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' &&
         std::isdigit(static_cast<unsigned char>(word[1])) == 0;
}

std::string name_of(const KnownOption& option) {
  return option.names.back();
}

// Returns the option that the word names, as `--name`, `--name=value`, `-n` or `-nvalue`.
const KnownOption* find_option(const CommandLine& line, const std::string& word) {
  const bool is_long = word.starts_with("--");
  const std::string name = is_long ? word.substr(0, word.find('=')) : word.substr(0, 2);
  for (const KnownOption& option : line.options) {
    if (is_in(option.names, name)) return &option;
  }
  return nullptr;
}

bool has_option(const CommandLine& line, std::string_view name) {
  return name == "--exec" || std::any_of(line.options.begin(), line.options.end(),
                                         [name](const auto& o) { return is_in(o.names, name); });
}

// What a word is for.
struct Part {
  enum class Is { Option, Value, Item, Positional, Unknown };
  Is is = Is::Positional;
  const KnownOption* option = nullptr;  // of Option, Value and Item
};

std::vector<Part> parts_of(const CommandLine& line) {
  std::vector<Part> parts;
  const KnownOption* needy = nullptr;  // the next word is its value
  const KnownOption* list = nullptr;   // the next words are its items
  for (const Word& word : line.words) {
    if (needy != nullptr) {
      parts.push_back({Part::Is::Value, std::exchange(needy, nullptr)});
      continue;
    }
    if (!looks_like_option(word.text)) {
      parts.push_back({list != nullptr ? Part::Is::Item : Part::Is::Positional, list});
      continue;
    }
    const KnownOption* const option = find_option(line, word.text);
    parts.push_back({option != nullptr ? Part::Is::Option : Part::Is::Unknown, option});
    const bool is_alone = is_in(option != nullptr ? option->names : Texts{}, word.text);
    list = option != nullptr && option->takes == Takes::List ? option : nullptr;
    needy = option != nullptr && option->takes == Takes::Value && is_alone ? option : nullptr;
  }
  return parts;
}

std::string joined(const std::string& program, const Texts& words) {
  std::string text = program;
  for (const std::string& word : words) text += ' ' + shell_word(word);
  return text;
}

void append(Texts& texts, const std::vector<Word>& words, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) texts.push_back(words[i].text);
}

void append_command(Texts& texts, const CommandLine& line) {
  if (!line.command) return;
  texts.emplace_back("--exec");
  append(texts, *line.command, 0, line.command->size());
}

// Returns where the command begins that should have --exec before it; the number of words if there
// is none.
std::size_t begin_of_command(const CommandLine& line, const std::vector<Part>& parts) {
  std::size_t positionals = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Word& word = line.words[i];
    const bool is_positional = parts[i].is == Part::Is::Positional;
    if (is_positional) ++positionals;
    if (parts[i].is == Part::Is::Unknown) break;
    if (!is_positional && parts[i].is != Part::Is::Item) continue;
    if ((word.is_program && !is_address(word.text)) || positionals > 2) return i;
  }
  return line.words.size();
}

std::optional<std::string> forgotten_exec(const CommandLine& line, const std::vector<Part>& parts) {
  const std::size_t begin = begin_of_command(line, parts);
  if (line.command || begin == line.words.size()) return std::nullopt;
  const std::string first = shell_word(line.words[begin].text);
  Texts words;
  append(words, line.words, 0, begin);
  words.emplace_back("--exec");
  append(words, line.words, begin, line.words.size());
  if (parts[begin].is == Part::Is::Item) {
    return fmt::format(
        "{0} takes all words up to the next option, so it took the command {1}, too. Write --exec "
        "before the command: {2}",
        name_of(*parts[begin].option), first, joined(line.program, words));
  }
  const bool has_bind = std::any_of(parts.begin(), parts.begin() + static_cast<long>(begin),
                                    [](Part part) { return part.is == Part::Is::Positional; });
  if (!has_bind) {
    words.insert(words.begin(), "8000");
    return fmt::format(
        "{0} is not an address. The first word is the address for your browser, and the command "
        "comes after --exec. Write: {1}",
        first, joined(line.program, words));
  }
  return fmt::format("--exec is missing before the command {}. Write: {}", first,
                     joined(line.program, words));
}

// An option that was pasted from a text with typographic dashes, `—exec`, or has one dash,
// `-pattern`.
std::optional<std::string> wrong_dash(const CommandLine& line, const std::vector<Part>& parts) {
  constexpr std::string_view kDashes[] = {"\u2014", "\u2013\u2013", "\u2013-", "\u2013", "\u2212"};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Word& word = line.words[i];
    if (parts[i].is == Part::Is::Value) continue;
    for (const std::string_view dash : kDashes) {
      if (!word.text.starts_with(dash)) continue;
      return fmt::format(
          "{0} begins with a typographic dash, which is no part of an option. Write --{1}",
          word.text, word.text.substr(dash.size()));
    }
    if (!looks_like_option(word.text) || word.text[1] == '-' || word.text.size() < 4) continue;
    const std::string right = '-' + word.text.substr(0, word.text.find('='));
    if (!has_option(line, right)) continue;
    return fmt::format("{0} has only one dash, so it does not mean {1}. Write {1}",
                       word.text.substr(0, word.text.find('=')), right);
  }
  return std::nullopt;
}

std::optional<std::string> exec_with_value(const CommandLine& line) {
  for (std::size_t i = 0; i < line.words.size(); ++i) {
    const std::string& word = line.words[i].text;
    if (!word.starts_with("--exec=")) continue;
    Texts words;
    append(words, line.words, 0, i);
    words.emplace_back("--exec");
    const std::string value = word.substr(word.find('=') + 1);
    Texts command{value};
    try {
      command = shell_words(value);
    } catch (const std::invalid_argument&) {
      command = {"sh", "-c", value};
    }
    words.insert(words.end(), command.begin(), command.end());
    append(words, line.words, i + 1, line.words.size());
    append_command(words, line);
    return fmt::format(
        "--exec takes the command as separate words after it, not after an equals sign. Write: {}",
        joined(line.program, words));
  }
  return std::nullopt;
}

// `--pattern 'src/**' 8000 8001`: the addresses became globs.
std::optional<std::string> swallowed_addresses(const CommandLine& line,
                                               const std::vector<Part>& parts) {
  Texts addresses;
  Texts taken;
  Texts rest;
  const KnownOption* taker = nullptr;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string& text = line.words[i].text;
    const bool is_item =
        parts[i].is == Part::Is::Item && is_address(text) && !line.words[i].is_file;
    if (parts[i].is == Part::Is::Positional || is_item) {
      addresses.push_back(text);
    } else {
      rest.push_back(text);
    }
    if (!is_item) continue;
    taken.push_back(text);
    taker = parts[i].option;
  }
  if (taker == nullptr || addresses.size() > 2) return std::nullopt;
  addresses.insert(addresses.end(), rest.begin(), rest.end());
  append_command(addresses, line);
  return fmt::format(
      "{} takes all words up to the next option, so it took {}, too. Write the addresses first: {}",
      name_of(*taker),
      taken.size() == 1 ? "the address " + taken[0]
                        : "the addresses " + taken[0] + " and " + taken[1],
      joined(line.program, addresses));
}

// `--ready line:Listening on --exec …`: the option got the first word only.
std::optional<std::string> unquoted_value(const CommandLine& line, const std::vector<Part>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].is != Part::Is::Value) continue;
    std::string value = line.words[i].text;
    std::size_t end = i + 1;
    while (end < parts.size() && parts[end].is == Part::Is::Positional &&
           !is_address(line.words[end].text)) {
      value += ' ' + line.words[end++].text;
    }
    if (end == i + 1) continue;
    return fmt::format("{0} takes one word, so it did not take {1}. Quote its value: {0} {2}",
                       name_of(*parts[i].option), line.words[i + 1].text, shell_word(value));
  }
  return std::nullopt;
}

std::string unknown_option(const CommandLine& line, const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  const std::string problem = fmt::format("there is no option {}.", name);
  if (is_in(kNamesOfBind, name)) {
    return fmt::format("{} Write the address for your browser first, without an option: {} 8000 …",
                       problem, line.program);
  }
  if (is_in(kNamesOfBackend, name)) {
    return fmt::format("{} Write your server's address second, without an option: {} 8000 8001 …",
                       problem, line.program);
  }
  if (name == "--ext" || name == "-e") {
    return fmt::format("{} Name the files with a glob: --pattern '**/*.py'", problem);
  }
  for (const auto& [other, ours] : kOtherNames) {
    if (name == other && has_option(line, ours)) {
      return fmt::format("{} hpp's name for it is {}", problem, ours);
    }
  }
  Texts names{"--exec"};
  for (const KnownOption& option : line.options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  const auto right = is_in(kServers, name) ? std::nullopt : nearest(name, names);
  if (right) {
    return fmt::format("{} Did you mean {}?", problem, *right);
  }
  return fmt::format(
      "{} If it is your server's, write it after --exec and your server's command. hpp's options "
      "are in {} --help",
      problem, line.program);
}

// `*.py` for `a.py` and `b.py`; `*` if they end differently.
std::string common_glob(const Texts& files) {
  const auto folder_of = [](const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
  };
  const auto ending_of = [](const std::string& path) {
    const auto dot = path.rfind('.');
    const auto slash = path.rfind('/');
    const bool has_ending = dot != std::string::npos && (slash == std::string::npos || dot > slash);
    return has_ending ? path.substr(dot) : std::string();
  };
  const std::string folder = folder_of(files[0]);
  const std::string ending = ending_of(files[0]);
  const bool same_folder = std::all_of(files.begin(), files.end(),
                                       [&](const auto& f) { return folder_of(f) == folder; });
  const bool same_ending = std::all_of(files.begin(), files.end(),
                                       [&](const auto& f) { return ending_of(f) == ending; });
  if (!same_folder && !same_ending) return "";
  const std::string top = folder.substr(0, folder.find('/') + 1);
  return fmt::format("{}*{}", same_folder ? folder : top + "**/", same_ending ? ending : "");
}

// Files that the shell has put in the place of a glob.
std::vector<std::string> expanded_globs(const CommandLine& line, const std::vector<Part>& parts) {
  std::vector<std::string> hints;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].is != Part::Is::Option || parts[i].option->takes != Takes::List) continue;
    Texts files;
    bool are_files = true;
    for (std::size_t j = i + 1; j < parts.size() && parts[j].is == Part::Is::Item; ++j) {
      are_files = are_files && (line.words[j].is_file || line.words[j].is_directory);
      files.push_back(line.words[j].text);
    }
    if (!are_files || files.size() < kExpandedMin) continue;
    const std::string glob = common_glob(files);
    if (glob.empty()) continue;
    hints.push_back(fmt::format(
        "{0} has got {1} files ({2}, {3}, …): the shell has probably expanded a glob, so new files "
        "will not count. Quote the glob: {0} '{4}'",
        name_of(*parts[i].option), files.size(), files[0], files[1], glob));
  }
  return hints;
}

}  // namespace

std::optional<std::string> find_mistake(const CommandLine& line) {
  const std::vector<Part> parts = parts_of(line);
  if (auto mistake = wrong_dash(line, parts)) return mistake;
  if (auto mistake = exec_with_value(line)) return mistake;
  return swallowed_addresses(line, parts);
}

std::optional<std::string> explain_failure(const CommandLine& line) {
  const std::vector<Part> parts = parts_of(line);
  if (auto mistake = forgotten_exec(line, parts)) return mistake;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].is == Part::Is::Unknown) return unknown_option(line, line.words[i].text);
  }
  return unquoted_value(line, parts);
}

std::optional<std::string> find_mistake_in_command(const std::vector<Word>& command) {
  if (command.empty() || command[0].is_program) return std::nullopt;
  const std::string& first = command[0].text;
  Texts rest;
  append(rest, command, 1, command.size());
  const auto sign = first.find('=');
  const bool is_name =
      sign != std::string::npos && sign > 0 &&
      std::isdigit(static_cast<unsigned char>(first[0])) == 0 &&
      std::all_of(first.begin(), first.begin() + static_cast<long>(sign),
                  [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  if (is_name && command.size() > 1) {
    rest.insert(rest.begin(), {"env", first});
    return fmt::format("{} is a variable, not a program, and no shell reads the command. Write: {}",
                       first, joined("--exec", rest));
  }
  if (first.find_first_of(" \t\n") == std::string::npos) return std::nullopt;
  try {
    Texts words = shell_words(first);
    words.insert(words.end(), rest.begin(), rest.end());
    return fmt::format(
        "there is no program with the name \"{}\", because the quotes make one word of it. Write "
        "the command without them: {}",
        first, joined("--exec", words));
  } catch (const std::invalid_argument&) {
    return fmt::format(
        "there is no program with the name \"{}\", and no shell reads the command. Run a shell: {}",
        first, joined("--exec", {"sh", "-c", first}));
  }
}

std::vector<std::string> hints_on(const CommandLine& line) {
  std::vector<std::string> hints = expanded_globs(line, parts_of(line));
  if (!line.command) return hints;
  for (const Word& word : *line.command) {
    const std::string name = word.text.substr(0, word.text.find('='));
    if (!is_in(kOnlyHpps, name) || !has_option(line, name)) continue;
    hints.push_back(fmt::format(
        "{0} stands after --exec, so your server gets it. If it is meant for hpp, write it before "
        "--exec",
        name));
  }
  return hints;
}

}  // namespace hpp::advice
