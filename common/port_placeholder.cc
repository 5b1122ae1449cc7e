#include "common/port_placeholder.h"

#include <string_view>

namespace hpp {
namespace {

constexpr std::string_view kPlaceholder = "{PORT}";

}  // namespace

void fill_in_port(std::vector<std::string>& command, std::uint16_t port) {
  const std::string digits = std::to_string(port);
  for (std::string& word : command) {
    for (auto at = word.find(kPlaceholder); at != std::string::npos;
         at = word.find(kPlaceholder, at)) {
      if (at > 0 && word[at - 1] == '$') {
        at += kPlaceholder.size();
        continue;
      }
      word.replace(at, kPlaceholder.size(), digits);
      at += digits.size();
    }
  }
}

}  // namespace hpp
