#include "proxyd/core/http/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/text.h"

namespace hpp::proxyd {
namespace {

constexpr std::size_t kQuotedMax = 60;  // bytes

constexpr std::array<bool, 256> token_characters() {
  std::array<bool, 256> are{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
    are[static_cast<unsigned char>(c)] = true;
  }
  return are;
}

constexpr std::array<bool, 256> kTokenCharacters = token_characters();

}  // namespace

bool is_token_character(char c) {
  return kTokenCharacters[static_cast<unsigned char>(c)];
}

bool is_token(std::string_view text) {
  // Not is_token_character(), because position-independent code would call it for each byte.
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kTokenCharacters[static_cast<unsigned char>(c)];
  });
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

std::string quoted(std::string_view text) {
  text = text.substr(0, text.find_first_of("\r\n"));
  const bool is_long = text.size() > kQuotedMax;
  return fmt::format("'{}{}'", printable(text.substr(0, kQuotedMax)), is_long ? "…" : "");
}

bool same_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> others) {
  return std::any_of(others.begin(), others.end(),
                     [&](std::string_view other) { return same_text(text, other); });
}

bool has_element(std::string_view list, std::string_view element) {
  bool found = false;
  for_each_element(list, [&](std::string_view one) { found |= same_text(one, element); });
  return found;
}

HostAndPort split_host(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && !text.ends_with(']');
  if (!has_port) return {.host = text, .port = {}};
  return {.host = text.substr(0, colon), .port = text.substr(colon + 1)};
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_quoted(std::string_view& text) {
  if (!take(text, '"')) return false;
  while (!text.empty() && text[0] != '"') {
    text.remove_prefix(text.starts_with('\\') && text.size() > 1 ? 2 : 1);
  }
  return take(text, '"');
}

}  // namespace hpp::proxyd
