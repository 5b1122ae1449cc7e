// Formats --help: at most 80 columns, the options in groups, and for each option its names, its
// value and one sentence.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace hpp {

class HelpFormatter : public CLI::Formatter {
 public:
  // `usage_end` is appended to the usage line, for arguments that CLI11 does not parse.
  explicit HelpFormatter(std::string usage_end = "");

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;

 private:
  std::string usage_end_;
};

}  // namespace hpp
