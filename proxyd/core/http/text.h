// Pure. The small grammar that all of HTTP is made of (RFC 9110 §5.6).
#pragma once

#include <string>
#include <string_view>

namespace hpp::proxyd {

// What methods, field names and most parameter values are made of, §5.6.2.
bool is_token_character(char c);
bool is_token(std::string_view text);

// Compares without regard to ASCII case.
bool same_text(std::string_view a, std::string_view b);

// Without the blanks at both ends.
std::string_view trimmed(std::string_view text);

// The first line of a peer's text in apostrophes, for a message: shortened, and printable.
std::string quoted(std::string_view text);

// Removes `c` from the front of the text. Returns false if the text begins with something else.
bool take(std::string_view& text, char c);

// Removes a quoted-string, §5.6.4, from the front of the text. Returns false if there is none.
bool take_quoted(std::string_view& text);

// Calls `visit` with each element of a comma-separated list, §5.6.1, white space and empty
// elements left out.
template <class Visit>
void for_each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const std::string_view element = trimmed(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (!element.empty()) visit(element);
  }
}

}  // namespace hpp::proxyd
