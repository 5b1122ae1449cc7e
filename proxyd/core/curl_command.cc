#include "proxyd/core/curl_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/shell_words.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

// printf(1)'s format for bytes that a shell's word cannot have, that a terminal would obey, or that
// an interactive shell would replace (`!`). It must not look like an option.
std::string printf_format(std::string_view bytes) {
  constexpr std::string_view kSpecial = "\\%'!";
  std::string format;
  for (const char c : bytes) {
    const bool is_plain = c >= ' ' && c <= '~' && kSpecial.find(c) == std::string_view::npos &&
                          !(c == '-' && format.empty());
    format += is_plain ? std::string(1, c) : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return '\'' + format + '\'';
}

bool is_text(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\t'; });
}

// A word that may have any byte but NUL, and no line break at its end.
std::string word_of(std::string_view text) {
  return is_text(text) ? shell_word(text) : "\"$(printf " + printf_format(text) + ")\"";
}

bool is_dot_segment(std::string_view segment) {
  for (const char* const dots : {".", "..", "%2e", "%2e.", ".%2e", "%2e%2e"}) {
    if (same_text(segment, dots)) return true;
  }
  return false;
}

// Whether curl(1) sends a URL's target as it is.
bool is_unchanged_in_url(std::string_view target) {
  if (!target.starts_with('/') || !is_text(target) || target.find('#') != std::string_view::npos) {
    return false;
  }
  std::string_view path = target.substr(0, target.find('?'));
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (is_dot_segment(segment)) return false;
    path.remove_prefix(segment.size());
  }
  return true;
}

bool has_field(const KeptRequest& request, std::string_view name) {
  return std::any_of(request.fields.begin(), request.fields.end(),
                     [&](const auto& field) { return same_text(field.first, name); });
}

std::string method_options(const KeptRequest& request) {
  const bool has_body = announces_body(request);
  std::string options = request.minor == 0 ? " --http1.0" : "";
  if (request.method == "HEAD") {
    return options + (has_body ? " --request HEAD --ignore-content-length" : " --head");
  }
  if (request.method == (has_body ? "POST" : "GET")) return options;
  return options + " --request " + shell_word(request.method);
}

std::string header_options(const KeptRequest& request, std::string_view authority) {
  std::string options;
  const auto add = [&](const std::string& field) {
    options += " \\\n  --header " + word_of(field);
  };
  for (const auto& [name, value] : request.fields) {
    if (is_about_connection(name)) continue;
    if (same_text(name, "Host") && value == authority) continue;
    // curl(1) leaves a field out if it has no value, unless it ends with a semicolon.
    add(value.empty() ? name + ';' : name + ": " + value);
  }
  for (const char* const own : {"Host", "User-Agent", "Accept"}) {
    if (!has_field(request, own)) add(std::string(own) + ':');
  }
  if (!announces_body(request)) return options;
  if (!has_field(request, "Content-Type")) add("Content-Type:");
  if (request.method == "HEAD") add("Connection: close");  // ends the wait for a body
  return options;
}

}  // namespace

std::string curl_command(const KeptRequest& request, const std::string& url) {
  std::string command;
  const bool is_plain_body = is_text(request.body);
  if (!is_plain_body) command = "printf " + printf_format(request.body) + " | ";
  command += "curl" + method_options(request);
  const bool is_unchanged = is_unchanged_in_url(request.target);
  if (!is_unchanged && !request.target.empty()) {
    command += " --request-target " + word_of(request.target);
  } else if (request.target.find_first_of("[]{}") != std::string::npos) {
    command += " --globoff";
  }
  command += header_options(request, url.substr(url.find("//") + 2));
  if (!is_plain_body) {
    command += " \\\n  --data-binary @-";
  } else if (announces_body(request)) {
    command += " \\\n  --data-raw " + shell_word(request.body);
  }
  return command + " \\\n  " + shell_word(url + (is_unchanged ? request.target : "/"));
}

}  // namespace hpp::proxyd
