#include "proxyd/core/forwarded.h"

#include <algorithm>

namespace hpp::proxyd {
namespace {

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

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

}  // namespace

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
