#include "proxyd/core/forwarded.h"

#include <utility>

#include "proxyd/core/http_text.h"

namespace hpp::proxyd {
namespace {

void append_value(std::string& out, std::string_view value) {
  if (is_token(value)) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// Removes all characters at the front that `belongs` accepts; false: there is none.
template <class Belongs>
bool take_all(std::string_view& text, Belongs belongs) {
  std::size_t size = 0;
  while (size < text.size() && belongs(text[size])) ++size;
  text.remove_prefix(size);
  return size > 0;
}

bool is_node_character(char c) {
  return is_token_character(c) || c == ':' || c == '[' || c == ']';
}

bool take_pair(std::string_view& text) {
  return take_all(text, is_token_character) && take(text, '=') &&
         (take_quoted(text) || take_all(text, is_node_character));
}

}  // namespace

// RFC 7239 §4: 1#( [ pair ] *( ";" [ pair ] ) ).
bool is_forwarded(std::string_view value) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  bool after_separator = true;
  while (!value.empty()) {
    if (take_all(value, is_blank)) continue;
    if (take(value, ',') || take(value, ';')) {
      after_separator = true;
    } else if (!std::exchange(after_separator, false) || !take_pair(value)) {
      return false;
    }
  }
  return true;
}

std::string forwarded_element(std::string_view peer_ip, std::string_view host) {
  std::string out = "for=";
  if (peer_ip.find(':') != std::string_view::npos) {
    out += "\"[";
    out += peer_ip;
    out += "]\"";
  } else {
    append_value(out, peer_ip);
  }
  if (!host.empty()) {
    out += ";host=";
    append_value(out, host);
  }
  out += ";proto=http";
  return out;
}

}  // namespace hpp::proxyd
