// Turns options into the words of a command line again, for the helpers that hpp-launch starts.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/option_list.h"
#include "common/option_names.h"
#include "common/ready_when.h"
#include "common/signal_names.h"

namespace hpp {

// A visitor of option_list.h. Leaves out flags that are not set, and texts that are empty.
class Emitter {
 public:
  void group(const char*) {}

  void address(const char*, const Address& value, const char*) {
    words_.push_back(to_string(value));
  }

  void optional_address(const char* name, const Address& value, const char* help) {
    if (value.port != 0) address(name, value, help);
  }

  void globs(const char* names, const std::vector<std::string>& values, const char*) {
    // Name and value are one word, because a value may begin with a dash.
    for (const auto& value : values) words_.push_back(long_name(names) + '=' + value);
  }

  void directories(const char* name, const std::vector<std::string>& values, const char* help) {
    globs(name, values, help);
  }

  void file_names(const char* name, const std::vector<std::string>& values, const char* help) {
    globs(name, values, help);
  }

  void text(const char* name, const char*, const std::string& value, const char*) {
    if (!value.empty()) words_.push_back(fmt::format("{}={}", name, value));
  }

  void port(const char* name, std::uint16_t value, const char*) {
    words_.insert(words_.end(), {name, std::to_string(value)});
  }

  void number(const char* name, const char*, std::uint32_t, std::uint32_t value, const char*) {
    words_.insert(words_.end(), {name, std::to_string(value)});
  }

  void signal(const char* name, int value, const char*) {
    words_.insert(words_.end(), {name, std::string(signal_name(value))});
  }

  void choice(const char* name, bool value, const Words& words, const char*) {
    words_.insert(words_.end(), {name, value ? words.yes : words.no});
  }

  void word(const char* name, std::initializer_list<std::string>, const std::string& value,
            const char*) {
    words_.insert(words_.end(), {name, value});
  }

  void ready_when(const char* name, const ReadyWhen& value, const char*) {
    words_.insert(words_.end(), {name, to_string(value)});
  }

  void flag(const char* name, bool value, const char*) {
    if (value) words_.emplace_back(name);
  }

  void negated_flag(const char* name, bool value, const char*) {
    if (!value) words_.emplace_back(name);
  }

  std::vector<std::string> words() && { return std::move(words_); }

 private:
  std::vector<std::string> words_;
};

}  // namespace hpp
