#include "proxyd/core/forwarded.h"

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
