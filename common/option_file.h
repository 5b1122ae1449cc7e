// The configuration file: how CLI11 comes to know what `hpp.toml` says.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "common/config_file.h"

namespace hpp {

// What an option's value may be in the file.
enum class Setting {
  Address,  // "HOST:PORT", or a port alone
  Texts,    // one string, or an array of them
  Text,
  Number,
  Flag,     // a boolean
  OnOff,    // a boolean, or "on" or "off"
  Command,  // an array of words, or one string that is split into words
};

// Reads the file for CLI11, which asks for it when it knows the command line and before it looks
// for options that are missing. Each value goes to its option here, and none is handed to CLI11 as
// an item: only so do the checks of the value know its line. What the command line says wins.
class OptionFile : public CLI::Config {
 public:
  // `path`, for messages, is that of the option which names the file. `path_option` must live as
  // long as this.
  explicit OptionFile(const CLI::Option& path_option) : path_option_(path_option) {}

  // Whether the file may have `key`.
  bool has(const std::string& key) const { return known_.contains(key); }

  // From now on the file may have `key`, and it goes to that option, which must live as long as
  // this is read into.
  void add(std::string key, CLI::Option& option, Setting setting) {
    known_.insert_or_assign(std::move(key), Known{&option, setting});
  }

  // The backend's command, which is no option of CLI11's: where it goes. Likewise.
  void add_command(std::string key, std::vector<std::string>& command) {
    known_.insert_or_assign(std::move(key), Known{nullptr, Setting::Command});
    command_ = &command;
  }

  // Throws CLI::FileError: `hpp.toml:3: …`. That is the error which waits until --help and
  // --version have been heard.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

  // CLI11 writes files, too. We do not.
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

 private:
  struct Known {
    CLI::Option* option;  // nullptr: the command
    Setting setting;
  };

  void apply(const ConfigEntry& entry) const;

  const CLI::Option& path_option_;
  std::map<std::string, Known> known_;
  std::vector<std::string>* command_ = nullptr;
};

}  // namespace hpp
