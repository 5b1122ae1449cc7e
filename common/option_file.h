// Passes the values in the configuration file, `hpp.toml`, to CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "common/config_file.h"

namespace hpp {

// The kinds of values that options have in the file.
enum class Setting {
  Address,  // "HOST:PORT", or a port alone
  Texts,    // one string, or an array of them
  Text,
  Number,
  Flag,     // a boolean
  OnOff,    // a boolean, or "on" or "off"
  Command,  // an array of words, or one string that is split into words
};

// Reads the file for CLI11, which calls from_config() after it has parsed the command line and
// before it checks for missing options. from_config() sets the options itself and returns no items
// to CLI11, so that an error message can include the line number. The command line takes
// precedence.
class OptionFile : public CLI::Config {
 public:
  // `path_option` is the option that names the file; error messages contain its value. It must
  // outlive this object.
  explicit OptionFile(const CLI::Option& path_option) : path_option_(path_option) {}

  // Whether `key` is allowed in the file.
  bool has(const std::string& key) const { return known_.contains(key); }

  // Allows `key` in the file, as a value for `option`. `option` must outlive all calls of
  // from_config().
  void add(std::string key, CLI::Option& option, Setting setting) {
    known_.insert_or_assign(std::move(key), Known{&option, setting});
  }

  // Allows `key` in the file, as the backend's command, which is not a CLI11 option. `command` must
  // outlive all calls of from_config().
  void add_command(std::string key, std::vector<std::string>& command) {
    known_.insert_or_assign(std::move(key), Known{nullptr, Setting::Command});
    command_ = &command;
  }

  // Throws CLI::FileError with the text `hpp.toml:3: …`. If --help or --version was given, CLI11
  // does not report this type of error. CLI11 2.6 reports missing options instead.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

  // Returns the text of the error that from_config() has thrown; empty if there was none.
  const std::string& error() const { return error_; }

  // Unused: hpp writes no configuration files.
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

 private:
  struct Known {
    CLI::Option* option;  // nullptr for the backend's command
    Setting setting;
  };

  [[noreturn]] void fail(const std::string& what) const;
  void apply(const ConfigEntry& entry) const;

  const CLI::Option& path_option_;
  std::map<std::string, Known> known_;
  std::vector<std::string>* command_ = nullptr;
  mutable std::string error_;
};

}  // namespace hpp
