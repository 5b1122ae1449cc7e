#include "proxyd/core/http/forwarded.h"

#include <algorithm>
#include <utility>

#include "proxyd/core/http/text.h"

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

// Removes all characters at the front that `belongs` accepts. Returns false if there are none.
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

// A value without its quotes.
std::string unquoted(std::string_view text) {
  if (!take(text, '"')) return std::string(text);
  std::string out;
  for (text.remove_suffix(1); !text.empty(); text.remove_prefix(1)) {
    if (text.size() > 1) take(text, '\\');
    out += text.front();
  }
  return out;
}

// Reads RFC 7239 §4: 1#( [ pair ] *( ";" [ pair ] ) ). Calls `visit` with the name and the value of
// each pair; a quoted value keeps its quotes. Stops at a syntax error and returns false.
template <class Visit>
bool read_pairs(std::string_view value, Visit visit) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  bool after_separator = true;
  while (!value.empty()) {
    if (take_all(value, is_blank)) continue;
    if (take(value, ',') || take(value, ';')) {
      after_separator = true;
      continue;
    }
    const std::string_view begin = value;
    if (!std::exchange(after_separator, false) || !take_all(value, is_token_character))
      return false;
    const std::string_view name = begin.substr(0, begin.size() - value.size());
    if (!take(value, '=')) return false;
    const std::string_view text = value;
    if (!take_quoted(value) && !take_all(value, is_node_character)) return false;
    visit(name, text.substr(0, text.size() - value.size()));
  }
  return true;
}

// `[::1]:80` → `::1`, `1.1.1.1:80` → `1.1.1.1`: X-Forwarded-For has addresses without ports. A node
// that is not an address (`unknown`, `_hidden`) is returned unchanged.
std::string address_of(std::string_view node) {
  if (node.starts_with('[')) return std::string(node.substr(1, node.find(']') - 1));
  const std::size_t colon = node.find(':');
  const bool has_port =
      colon != std::string_view::npos && node.find(':', colon + 1) == std::string_view::npos;
  return std::string(has_port ? node.substr(0, colon) : node);
}

std::string first_element(std::string_view list) {
  std::string first;
  for_each_element(list, [&](std::string_view element) {
    if (first.empty()) first = element;
  });
  return first;
}

void read_forwarded(OuterRequest& outer, const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    if (field.known != FieldName::Forwarded) continue;
    outer.has_forwarded = true;
    read_pairs(field.value, [&](std::string_view name, std::string_view value) {
      if (same_text(name, "for") && value != "\"\"")
        outer.chain.push_back(address_of(unquoted(value)));
      if (same_text(name, "host") && outer.host.empty()) outer.host = unquoted(value);
      if (same_text(name, "proto") && outer.proto.empty()) outer.proto = unquoted(value);
    });
  }
}

// Reads one X-Forwarded-* field. Only sets members that neither Forwarded nor an earlier field has
// set.
void read_forerunner(OuterRequest& outer, const Field& field) {
  switch (field.known) {
    case FieldName::XForwardedHost:
      if (outer.host.empty()) outer.host = first_element(field.value);
      return;
    case FieldName::XForwardedProto:
    case FieldName::XForwardedScheme:
      if (outer.proto.empty()) outer.proto = first_element(field.value);
      return;
    case FieldName::XForwardedSsl:
    case FieldName::FrontEndHttps:
      if (outer.proto.empty() && same_text(field.value, "on")) outer.proto = "https";
      return;
    case FieldName::XForwardedFor:
      if (outer.has_forwarded) return;
      for_each_element(field.value, [&](std::string_view one) { outer.chain.emplace_back(one); });
      return;
    case FieldName::Other:
    case FieldName::Accept:
    case FieldName::Connection:
    case FieldName::ContentLength:
    case FieldName::ContentType:
    case FieldName::Expect:
    case FieldName::Forwarded:
    case FieldName::Host:
    case FieldName::KeepAlive:
    case FieldName::MaxForwards:
    case FieldName::ProxyConnection:
    case FieldName::TE:
    case FieldName::Trailer:
    case FieldName::TransferEncoding:
    case FieldName::Upgrade:
      return;
  }
}

}  // namespace

OuterRequest read_outer_request(const std::vector<Field>& fields) {
  OuterRequest outer;
  const bool is_readable = std::all_of(fields.begin(), fields.end(), [](const Field& field) {
    return field.known != FieldName::Forwarded || is_forwarded(field.value);
  });
  if (is_readable) read_forwarded(outer, fields);
  for (const Field& field : fields) read_forerunner(outer, field);
  return outer;
}

bool is_forwarded(std::string_view value) {
  return read_pairs(value, [](std::string_view, std::string_view) {});
}

std::string forwarded_element(std::string_view node, std::string_view host,
                              std::string_view proto) {
  std::string out = "for=";
  const bool is_ipv6 = !node.starts_with('[') && node.find(':') != node.rfind(':');
  append_value(out, is_ipv6 ? '[' + std::string(node) + ']' : std::string(node));
  if (!host.empty()) {
    out += ";host=";
    append_value(out, host);
  }
  if (!proto.empty()) {
    out += ";proto=";
    append_value(out, proto);
  }
  return out;
}

}  // namespace hpp::proxyd
