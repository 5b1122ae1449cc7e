#include "common/command_line_facts.h"

#include <sys/stat.h>

#include "common/os/find_program.h"

namespace hpp {
namespace {

using Takes = advice::KnownOption::Takes;

Takes takes(const CLI::Option& option) {
  if (option.get_allow_extra_args()) return Takes::List;
  return option.get_items_expected_max() > 0 ? Takes::Value : Takes::Nothing;
}

advice::KnownOption known_option(const CLI::Option& option) {
  advice::KnownOption known{.names = {}, .takes = takes(option)};
  for (const std::string& name : option.get_snames()) known.names.push_back('-' + name);
  for (const std::string& name : option.get_lnames()) known.names.push_back("--" + name);
  return known;
}

}  // namespace

std::vector<advice::Word> look_up(const std::vector<std::string>& words) {
  std::vector<advice::Word> found;
  for (const std::string& text : words) {
    advice::Word word{.text = text};

    struct stat status {};

    if (::stat(text.c_str(), &status) == 0) {
      word.is_file = S_ISREG(status.st_mode);
      word.is_directory = S_ISDIR(status.st_mode);
    }
    const bool is_folder = text.find('/') != std::string::npos && word.is_directory;
    word.is_program = !text.empty() && !is_folder && !find_program(text).empty();
    found.push_back(std::move(word));
  }
  return found;
}

advice::CommandLine describe_command_line(const CLI::App& app,
                                          const std::vector<std::string>& words,
                                          const std::optional<std::vector<std::string>>& command) {
  advice::CommandLine line{
      .program = app.get_name(), .options = {}, .words = look_up(words), .command = {}};
  for (const CLI::Option* const option : app.get_options()) {
    const bool is_positional = option->get_snames().empty() && option->get_lnames().empty();
    if (!is_positional) line.options.push_back(known_option(*option));
  }
  if (command) line.command = look_up(*command);
  return line;
}

}  // namespace hpp
