// Pure. The basic grammar of HTTP's fields (RFC 9110 §5.6).
#pragma once

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

// Whether a comma-separated list has the element, ignoring ASCII case.
bool has_element(std::string_view list, std::string_view element);

}  // namespace hpp::proxyd
