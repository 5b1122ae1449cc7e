#include "common/help_formatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace hpp {
namespace {

constexpr std::size_t kColumns = 80;
// The column at which the sentences start.
constexpr std::size_t kIndent = 28;

// The width of UTF-8 text in columns, if each character is one column wide.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string row(const std::string& names, const std::string& sentence) {
  std::string text = "  " + names;
  std::size_t column = width(text);
  const auto go_to = [&](std::size_t target) {
    if (column >= target) {
      text += '\n';
      column = 0;
    }
    text.append(target - column, ' ');
    column = target;
  };
  go_to(kIndent);
  std::istringstream words(sentence);
  for (std::string word; words >> word;) {
    if (column > kIndent && column + 1 + width(word) > kColumns) go_to(kIndent);
    if (column > kIndent) {
      text += ' ';
      ++column;
    }
    text += word;
    column += width(word);
  }
  return text + '\n';
}

// The option's value, such as `GLOB…`. Removes the colon and the validators' descriptions that
// CLI11 appends. Alternatives, such as `http|line:REGEX`, have none.
std::string value_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const bool is_choice = type.find('|') != std::string::npos;
  const std::string value = is_choice ? type : type.substr(0, type.find(':'));
  return option.get_allow_extra_args() ? value + "…" : value;
}

std::string names_of(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += '-' + name + ", ";
  for (const std::string& name : option.get_lnames()) names += "--" + name + ", ";
  names.resize(names.size() - 2);
  return names;
}

bool is_shown_positional(const CLI::Option* option) {
  return option->get_positional() && !option->get_group().empty();
}

std::vector<const CLI::App*> subcommands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
}

}  // namespace

HelpFormatter::HelpFormatter(std::string usage_end) : usage_end_(std::move(usage_end)) {}

// Composes the text itself, because CLI11's releases differ in headings and empty lines.
std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode /*mode*/) const {
  std::string help = app->get_description() + '\n' + make_usage(app, std::move(name));
  const auto positionals = app->get_options(is_shown_positional);
  if (!positionals.empty()) help += make_group("Positionals", true, positionals);
  for (const std::string& group : app->get_groups()) {
    const auto options = app->get_options(
        [&](const CLI::Option* o) { return o->nonpositional() && o->get_group() == group; });
    if (group.empty() || options.empty()) continue;
    help += make_group(group == "OPTIONS" ? "Options" : group, false, options);
  }
  const auto commands = subcommands_of(*app);
  if (!commands.empty()) help += "\nSubcommands:\n";
  for (const CLI::App* command : commands) help += make_subcommand(command);
  if (!app->get_footer().empty()) help += '\n' + app->get_footer() + '\n';
  return help;
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string usage = "Usage: " + name;
  if (!app->get_options([](const CLI::Option* o) { return o->nonpositional(); }).empty()) {
    usage += " [OPTIONS]";
  }
  for (const CLI::Option* option : app->get_options(is_shown_positional)) {
    usage += ' ' + make_option_usage(option);
  }
  if (!subcommands_of(*app).empty()) {
    usage += app->get_require_subcommand_min() == 0 ? " [SUBCOMMAND]" : " SUBCOMMAND";
  }
  return usage + usage_end_ + '\n';
}

std::string HelpFormatter::make_group(std::string group, bool is_positional,
                                      std::vector<const CLI::Option*> options) const {
  std::string text = '\n' + group + ":\n";
  for (const CLI::Option* option : options) text += make_option(option, is_positional);
  return text;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  if (is_positional) return row(option->get_name(true), option->get_description());
  const std::string value = value_of(*option);
  return row(value.empty() ? names_of(*option) : names_of(*option) + ' ' + value,
             option->get_description());
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return row(command->get_name(), command->get_description());
}

}  // namespace hpp
