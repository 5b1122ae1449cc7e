#include "common/option_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <istream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <variant>

#include "common/advice/nearest.h"
#include "common/cli11_words.h"
#include "common/shell_words.h"

namespace hpp {
namespace {

// Limit for the file's size, in bytes. A larger file is not a configuration file.
constexpr std::size_t kFileSizeMax = 1024 * 1024;

using WordList = std::vector<std::string>;

const char* expected(Setting setting) {
  switch (setting) {
    case Setting::Address:
      return "\"HOST:PORT\" or a port number";
    case Setting::Texts:
      return "a string or an array of strings";
    case Setting::Text:
      return "a string";
    case Setting::Number:
      return "a whole number";
    case Setting::Flag:
      return "true or false";
    case Setting::OnOff:
      return "\"on\" or \"off\"";
    case Setting::Command:
      return "an array of strings, the command and its arguments, or one string";
  }
  return "";
}

const char* kind_of(const ConfigValue& value) {
  constexpr const char* kKinds[] = {"a boolean", "a number", "a string", "an array"};
  return kKinds[value.index()];
}

// Converts the value to command-line words. Throws std::invalid_argument if it has the wrong type.
WordList words_of(Setting setting, const ConfigValue& value) {
  const auto* const flag = std::get_if<bool>(&value);
  const auto* const number = std::get_if<std::int64_t>(&value);
  const auto* const text = std::get_if<std::string>(&value);
  const auto* const texts = std::get_if<WordList>(&value);
  switch (setting) {
    case Setting::Address:
      if (number != nullptr) return {std::to_string(*number)};
      if (text != nullptr) return {*text};
      break;
    case Setting::Texts:
      if (text != nullptr) return {*text};
      if (texts != nullptr) return *texts;
      break;
    case Setting::Text:
      if (text != nullptr) return {*text};
      break;
    case Setting::Number:
      if (number != nullptr) return {std::to_string(*number)};
      break;
    case Setting::Flag:
      if (flag != nullptr) return *flag ? WordList{"true"} : WordList{};
      break;
    case Setting::OnOff:
      if (flag != nullptr) return {*flag ? "on" : "off"};
      if (text != nullptr) return {*text};
      break;
    case Setting::Command:
      if (text != nullptr) return shell_words(*text);
      if (texts != nullptr) return *texts;
      break;
  }
  throw std::invalid_argument(
      fmt::format("expected {}, got {}", expected(setting), kind_of(value)));
}

}  // namespace

std::vector<CLI::ConfigItem> OptionFile::from_config(std::istream& input) const {
  const std::string path = path_option_.as<std::string>();
  std::string text(kFileSizeMax + 1, '\0');
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(input.gcount()));
  if (text.size() > kFileSizeMax) {
    fail(fmt::format("{} has more than {} bytes", path, kFileSizeMax));
  }
  try {
    for (const ConfigEntry& entry : read_config(text)) apply(entry);
  } catch (const ConfigError& error) {
    fail(fmt::format("{}:{}: {}", path, error.line, error.what()));
  }
  return {};
}

void OptionFile::fail(const std::string& what) const {
  error_ = what;
  throw CLI::FileError(what);
}

void OptionFile::apply(const ConfigEntry& entry) const {
  const auto found = known_.find(entry.key);
  if (found == known_.end()) {
    WordList names;
    for (const auto& [key, known] : known_) names.push_back(key);
    if (const auto right = advice::nearest(entry.key, names)) {
      throw ConfigError(
          entry.line, fmt::format("there is no option '{}'. Did you mean {}?", entry.key, *right));
    }
    throw ConfigError(entry.line, fmt::format("there is no option '{}'; expected one of {}",
                                              entry.key, fmt::join(names, ", ")));
  }
  const auto& [option, setting] = found->second;
  try {
    WordList words = words_of(setting, entry.value);
    if (setting == Setting::Command) {
      if (words.empty()) throw std::invalid_argument("expected a command, got none");
      *command_ = words;
    } else if (!words.empty() && option->empty()) {
      if (setting == Setting::Texts) std::ranges::transform(words, words.begin(), guarded);
      option->add_result(std::move(words));
      option->run_callback();
    }
  } catch (const std::invalid_argument& error) {
    throw ConfigError(entry.line, fmt::format("{}: {}", entry.key, error.what()));
  } catch (const CLI::ParseError& error) {
    option->clear();  // otherwise CLI11 would report it again, without the line
    throw ConfigError(entry.line, error.what());
  }
}

}  // namespace hpp
