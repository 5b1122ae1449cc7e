// Pure. The basic grammar of HTTP's fields (RFC 9110 §5.6).
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

namespace hpp::proxyd {

// Tokens are methods, field names and most parameter values, §5.6.2.
bool is_token_character(char c);
bool is_token(std::string_view text);

// Returns an ASCII letter in lower case, and any other character unchanged.
constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Compares two texts, ignoring ASCII case.
bool same_text(std::string_view a, std::string_view b);

// Whether the text equals one of the others, ignoring ASCII case.
bool is_any_of(std::string_view text, std::initializer_list<std::string_view> others);

// Returns the text without blanks at both ends.
std::string_view trimmed(std::string_view text);

// Returns the first line of a peer's text in apostrophes, shortened and printable, for a message.
std::string quoted(std::string_view text);

// The parts of `HOST` or `HOST:PORT`, as in the field Host, §7.2.
struct HostAndPort {
  std::string_view host;  // an IPv6 address has brackets
  std::string_view port;  // empty: the scheme's default port
};

HostAndPort split_host(std::string_view text);

// Removes `c` from the front of the text. Returns false if the text begins with something else.
bool take(std::string_view& text, char c);

// Removes a quoted-string, §5.6.4, from the front of the text. Returns false if there is none.
bool take_quoted(std::string_view& text);

// Calls `visit` with each element of a comma-separated list, §5.6.1, without surrounding blanks.
// Skips empty elements.
template <class Visit>
void for_each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const std::string_view element = trimmed(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (!element.empty()) visit(element);
  }
}

// Returns the part before the parameters: `text/html; charset=x` → `text/html`. Calls
// `visit(name, value)` for each parameter, with the value unquoted.
template <class Visit>
std::string_view read_parameters(std::string_view value, Visit visit) {
  const std::size_t semicolon = std::min(value.find(';'), value.size());
  const std::string_view main = trimmed(value.substr(0, semicolon));
  std::string_view rest = value.substr(semicolon);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::size_t size = std::min(rest.find(';'), rest.size());
    const std::string_view parameter = rest.substr(0, size);
    rest.remove_prefix(size);
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    std::string_view text = trimmed(parameter.substr(std::min(equals + 1, parameter.size())));
    if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) {
      text = text.substr(1, text.size() - 2);
    }
    visit(trimmed(parameter.substr(0, equals)), text);
  }
  return main;
}

// Whether a comma-separated list has the element, ignoring ASCII case.
bool has_element(std::string_view list, std::string_view element);

}  // namespace hpp::proxyd
