#include "tests/fuzz/reference.h"

#include <algorithm>

namespace hpp::fuzz {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_token_char(char c) {
  return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Lines may contain visible characters, obs-text and blanks.
bool is_text_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

void skip_blanks(std::string_view& text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

std::string take_token(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_token_char);
  const std::string token(text.begin(), end);
  text.remove_prefix(token.size());
  return token;
}

bool take_quoted(std::string_view& text) {
  if (!take(text, "\"")) return false;
  while (!text.empty() && !text.starts_with('"')) {
    text.remove_prefix(text.starts_with('\\') && text.size() > 1 ? 2 : 1);
  }
  return take(text, "\"");
}

// Takes a line and returns it without its CR LF. Returns nothing if the line is incomplete or has
// an invalid character. A backend's line may end with LF alone, and its control characters become
// blanks.
std::optional<std::string> take_line(std::string_view& text, Author author) {
  const auto end = text.find(author == Author::Proxy ? "\r\n" : "\n");
  if (end == std::string_view::npos) return std::nullopt;
  std::string line(text.substr(0, end));
  if (author == Author::Backend) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.find('\0') != std::string::npos || line.find('\r') != std::string::npos) {
      return std::nullopt;
    }
    std::replace_if(
        line.begin(), line.end(), [](char c) { return !is_text_char(c); }, ' ');
  }
  if (!std::all_of(line.begin(), line.end(), is_text_char)) return std::nullopt;
  text.remove_prefix(end + (author == Author::Proxy ? 2 : 1));
  return line;
}

// Takes a line together with its continuation lines (obs-fold).
std::optional<std::string> take_folded(std::string_view& text, Author author) {
  auto line = take_line(text, author);
  if (!line || line->empty() || author == Author::Proxy) return line;
  while (text.starts_with(' ') || text.starts_with('\t')) {
    while (line->ends_with(' ') || line->ends_with('\t')) line->pop_back();
    const auto more = take_line(text, author);
    if (!more) return std::nullopt;
    std::string_view rest = *more;
    skip_blanks(rest);
    *line += ' ';
    *line += rest;
  }
  return line;
}

std::optional<std::pair<std::string, std::string>> read_field(std::string_view line,
                                                              Author author) {
  std::string name = take_token(line);
  if (author == Author::Backend) skip_blanks(line);
  if (name.empty() || !take(line, ":")) return std::nullopt;
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  skip_blanks(line);
  while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  return std::pair{name, std::string(line)};
}

// Returns the elements of all fields of that name, in lower case; empty ones only if `with_empty`.
std::vector<std::string> elements(const PlainHead& head, std::string_view name, bool with_empty) {
  std::vector<std::string> all;
  for (const auto& field : head.fields) {
    if (field.first != name) continue;
    std::string_view rest = field.second;
    for (bool is_more = true; is_more;) {
      const auto comma = rest.find(',');
      is_more = comma != std::string_view::npos;
      std::string_view one = rest.substr(0, comma);
      rest.remove_prefix(is_more ? comma + 1 : rest.size());
      skip_blanks(one);
      while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
      std::string element(one);
      for (char& c : element) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      if (with_empty || !element.empty()) all.push_back(element);
    }
  }
  return all;
}

std::optional<std::uint64_t> read_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : text) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (!is_digit(c) || number > (UINT64_MAX - digit) / 10) return std::nullopt;
    number = number * 10 + digit;
  }
  return number;
}

// Whether the text consists of chunk extensions (RFC 9112 §7.1.1).
bool are_extensions(std::string_view text) {
  while (!text.empty()) {
    skip_blanks(text);
    if (!take(text, ";")) return false;
    skip_blanks(text);
    if (take_token(text).empty()) return false;
    std::string_view rest = text;
    skip_blanks(rest);
    if (!take(rest, "=")) continue;
    skip_blanks(rest);
    if (!take_quoted(rest) && take_token(rest).empty()) return false;
    text = rest;
  }
  return true;
}

// Returns the size in a chunk line (RFC 9112 §7.1), or nothing if the line is malformed.
std::optional<std::uint64_t> read_chunk_line(std::string_view line, Author author) {
  std::uint64_t size = 0;
  std::size_t digits = 0;
  for (; digits < line.size(); ++digits) {
    const auto value = std::string_view("0123456789abcdef")
                           .find(static_cast<char>(line[digits] >= 'A' && line[digits] <= 'F'
                                                       ? line[digits] - 'A' + 'a'
                                                       : line[digits]));
    if (value == std::string_view::npos) break;
    if (size >> 60 != 0) return std::nullopt;
    size = size * 16 + value;
  }
  std::string_view rest = line.substr(digits);
  if (digits == 0) return std::nullopt;
  if (author == Author::Proxy) return are_extensions(rest) ? std::optional(size) : std::nullopt;
  skip_blanks(rest);
  return rest.empty() || rest.starts_with(';') ? std::optional(size) : std::nullopt;
}

// Takes a body with a length or in chunks, or no body. Such a body does not need the end of the
// connection.
std::optional<PlainBody> take_framed(std::string_view& text, const PlainHead& head, Author author) {
  const bool chunked = !elements(head, "transfer-encoding", false).empty();
  const auto lengths = elements(head, "content-length", true);
  if (author == Author::Proxy && lengths.size() + (chunked ? 1 : 0) > 1) return std::nullopt;
  std::optional<std::uint64_t> length;
  for (const std::string& one : lengths) {
    const auto number = read_number(one);
    if (!number || (length && *length != *number)) return std::nullopt;
    length = number;
  }
  if (chunked) return take_chunks(text, author);
  if (!length) return PlainBody{.is_over = true};
  return take_length(text, *length);
}

}  // namespace

std::size_t PlainHead::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; }));
}

std::string PlainHead::first(std::string_view name) const {
  for (const auto& field : fields) {
    if (field.first == name) return field.second;
  }
  return "";
}

std::optional<PlainHead> take_head(std::string_view& text, Author author) {
  std::string_view rest = text;
  if (author == Author::Backend) {
    while (take(rest, "\n") || take(rest, "\r\n")) {
    }
  }
  const auto start = take_line(rest, author);
  if (!start) return std::nullopt;
  PlainHead head{.start = *start};
  for (;;) {
    const auto line = take_folded(rest, author);
    if (!line) return std::nullopt;
    if (line->empty()) break;
    auto field = read_field(*line, author);
    if (!field) return std::nullopt;
    head.fields.push_back(std::move(*field));
  }
  const auto codings = elements(head, "transfer-encoding", author == Author::Proxy);
  if (codings.size() > 1 || (!codings.empty() && codings[0] != "chunked")) return std::nullopt;
  text = rest;
  return head;
}

std::optional<PlainMessage> take_request(std::string_view& text) {
  std::string_view rest = text;
  auto head = take_head(rest);
  if (!head || !is_request_line(head->start) || head->count("host") != 1) return std::nullopt;
  auto body = take_framed(rest, *head, Author::Proxy);
  if (!body) return std::nullopt;
  text = rest;
  return PlainMessage{.head = std::move(*head), .body = std::move(*body)};
}

std::optional<PlainMessage> take_response(std::string_view& text, bool has_no_body, Author author) {
  std::string_view rest = text;
  auto head = take_head(rest, author);
  const int status = head ? status_of(head->start, author) : 0;
  if (status == 0) return std::nullopt;
  PlainBody body{.is_over = true};
  if (!has_no_body && status >= 200 && status != 204 && status != 304) {
    const bool is_framed =
        !elements(*head, "transfer-encoding", false).empty() || head->count("content-length") > 0;
    if (is_framed) {
      const auto framed = take_framed(rest, *head, author);
      if (!framed) return std::nullopt;
      body = *framed;
    } else {
      body = {.payload = std::string(rest)};
      rest = {};
    }
  }
  text = rest;
  return PlainMessage{.head = std::move(*head), .body = std::move(body)};
}

PlainBody take_chunks(std::string_view& text, Author author) {
  const std::string_view line_end = author == Author::Proxy ? "\r\n" : "\n";
  PlainBody body;
  for (;;) {
    if (text.find(line_end) == std::string_view::npos) return body;
    // The extension of a backend's chunk may have any character except CR.
    std::string_view line = text.substr(0, text.find(line_end));
    text.remove_prefix(line.size() + line_end.size());
    if (author == Author::Backend && line.ends_with('\r')) line.remove_suffix(1);
    const bool is_line = author == Author::Proxy
                             ? std::all_of(line.begin(), line.end(), is_text_char)
                             : line.find('\r') == std::string_view::npos;
    const auto size = is_line ? read_chunk_line(line, author) : std::nullopt;
    body.is_broken = !size;
    if (body.is_broken) return body;
    if (*size == 0) break;
    const std::string_view data = text.substr(0, *size);
    body.payload += data;
    text.remove_prefix(data.size());
    if (data.size() < *size) return body;
    if (author == Author::Backend && take(text, "\n")) continue;
    body.is_broken = !std::string_view("\r\n").starts_with(text.substr(0, 2));
    if (body.is_broken || !take(text, "\r\n")) return body;
  }
  for (;;) {
    if (text.find(line_end) == std::string_view::npos) return body;
    const auto line = take_folded(text, author);
    body.is_over = line && line->empty();
    body.is_broken = !line || (!body.is_over && !read_field(*line, author));
    if (body.is_over || body.is_broken) return body;
  }
}

PlainBody take_length(std::string_view& text, std::uint64_t length) {
  const std::string_view data = text.substr(0, length);
  text.remove_prefix(data.size());
  return {.payload = std::string(data), .is_over = data.size() == length};
}

bool is_request_line(std::string_view line) {
  if (take_token(line).empty() || !take(line, " ")) return false;
  const auto target = line.find_first_of(" \t");
  return target != 0 && target != std::string_view::npos && line.substr(target) == " HTTP/1.1";
}

int status_of(std::string_view line, Author author) {
  if (author == Author::Proxy) {
    if (!take(line, "HTTP/1.1 ") && !take(line, "HTTP/1.0 ")) return 0;
  } else {
    const bool has_version = line.size() > 8 && line.starts_with("HTTP/") && line[5] != '0' &&
                             is_digit(line[5]) && line[6] == '.' && is_digit(line[7]) &&
                             (line[8] == ' ' || line[8] == '\t');
    if (!has_version) return 0;
    line.remove_prefix(8);
    skip_blanks(line);
  }
  const auto status = line.size() >= 3 ? read_number(line.substr(0, 3)) : std::nullopt;
  if (!status || *status < 100) return 0;
  line.remove_prefix(3);
  const bool ends_well =
      line.starts_with(' ') || (author == Author::Backend && (line.empty() || line[0] == '\t'));
  return ends_well ? static_cast<int>(*status) : 0;
}

}  // namespace hpp::fuzz
