#include "common/cli11_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "common/advice/nearest.h"

namespace hpp {
namespace {

// An option in one word: `--name=value`, `-n` or `-nvalue`.
struct Written {
  std::string name;
  std::optional<std::string> value;
};

Written split(const std::string& word) {
  if (!word.starts_with("--")) {
    if (word.size() <= 2) return {.name = word, .value = {}};
    return {.name = word.substr(0, 2), .value = word.substr(2)};
  }
  const auto sign = word.find('=');
  if (sign == std::string::npos) return {.name = word, .value = {}};
  return {.name = word.substr(0, sign), .value = word.substr(sign + 1)};
}

const CLI::Option* find_option(const CLI::App& app, const std::string& name) {
  if (!name.starts_with('-') || name.size() < 2) return nullptr;
  if (const CLI::Option* const found = app.get_option_no_throw(name)) return found;
  for (const CLI::App* const command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (const CLI::Option* const found = command->get_option_no_throw(name)) return found;
  }
  return nullptr;
}

// The long names of all options of the program and its subcommands.
std::vector<std::string> long_names(const CLI::App& app,
                                    const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  const auto add = [&names](const CLI::App& source) {
    for (const CLI::Option* const option : source.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  };
  add(app);
  for (const CLI::App* const command : commands) add(*command);
  return names;
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

bool takes_list(const CLI::Option& option) {
  return option.get_allow_extra_args();
}

// Throws if `word`, which follows an option that needs a value, is more likely another option.
void refuse_option_as_value(const CLI::Option& option, const std::string& word) {
  const bool is_number = word.size() > 1 && word[1] >= '0' && word[1] <= '9';
  if (!word.starts_with('-') || word == "-" || is_number) return;
  const std::string name = "--" + option.get_lnames().front();
  throw CLI::ValidationError(fmt::format(
      "{0} needs a value, and {1} looks like another option. If it is meant as a value, "
      "write {0}={1}",
      name, word));
}

}  // namespace

std::string guarded(const std::string& glob) {
  return glob.starts_with('[') && glob.ends_with(']') ? "./" + glob : glob;
}

std::vector<std::string> words_for_cli11(const CLI::App& app,
                                         const std::vector<std::string>& words) {
  std::vector<std::string> result;
  const CLI::Option* needy = nullptr;  // the word is the value of this option
  bool is_listed = false;              // the word may be one of the values of an option
  for (const std::string& word : words) {
    if (needy != nullptr) refuse_option_as_value(*needy, word);
    const Written written = split(word);
    const CLI::Option* const option = needy != nullptr ? nullptr : find_option(app, written.name);
    if (option == nullptr) {
      result.push_back(is_listed ? guarded(word) : word);
      needy = nullptr;
      continue;
    }
    is_listed = takes_list(*option);
    needy = takes_value(*option) && !written.value ? option : nullptr;
    if (!takes_value(*option) || !written.value) {
      result.push_back(word);
    } else if (written.value->empty()) {
      result.insert(result.end(), {written.name, ""});
    } else {
      const std::string sign = word.starts_with("--") ? "=" : "";
      result.push_back(written.name + sign +
                       (is_listed ? guarded(*written.value) : *written.value));
    }
  }
  return result;
}

std::optional<std::string> unknown_word(const CLI::App& app,
                                        const std::vector<std::string>& words) {
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  std::vector<std::string> names;
  for (const CLI::App* const command : commands) names.push_back(command->get_name());
  bool is_value = false;                // the word is the value of the option before it
  bool needs_command = !names.empty();  // no subcommand was given yet
  for (const std::string& word : words) {
    if (std::exchange(is_value, false)) continue;
    if (!word.starts_with('-')) {
      if (std::find(names.begin(), names.end(), word) != names.end()) {
        needs_command = false;
        continue;
      }
      const auto right = advice::nearest(word, names);
      return fmt::format("there is no command {}{}", word,
                         right ? fmt::format(". Did you mean {}?", *right)
                               : fmt::format("; expected one of {}", fmt::join(names, ", ")));
    }
    const Written written = split(word);
    if (const CLI::Option* const option = find_option(app, written.name)) {
      is_value = takes_value(*option) && !written.value;
      continue;
    }
    const auto right = advice::nearest(written.name, long_names(app, commands));
    return fmt::format("there is no option {}{}", written.name,
                       right ? fmt::format(". Did you mean {}?", *right) : "");
  }
  if (!needs_command) return std::nullopt;
  return fmt::format("a command is missing; expected one of {}", fmt::join(names, ", "));
}

CLI::Validator decimal_number() {
  const auto check = [](std::string& text) -> std::string {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) {
      return fmt::format("expected digits only, such as 10; got '{}'", text);
    }
    text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
    return "";
  };
  return {check, ""};
}

CLI::Validator one_of(std::vector<std::string> words) {
  const auto check = [words = std::move(words)](const std::string& text) -> std::string {
    if (std::find(words.begin(), words.end(), text) != words.end()) return "";
    const auto right = advice::nearest(text, words);
    return fmt::format("expected {}, got '{}'{}", fmt::join(words, " or "), text,
                       right ? fmt::format(". Did you mean {}?", *right) : "");
  };
  return {check, ""};
}

}  // namespace hpp
