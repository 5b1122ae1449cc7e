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

// What lines may have: visible characters, obs-text, blanks.
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

// A line without its CR LF. Nothing: it has no end yet, or a character that no line may have.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  if (!std::all_of(line.begin(), line.end(), is_text_char)) return std::nullopt;
  text.remove_prefix(end + 2);
  return line;
}

std::optional<std::pair<std::string, std::string>> read_field(std::string_view line) {
  std::string name = take_token(line);
  if (name.empty() || !take(line, ":")) return std::nullopt;
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  skip_blanks(line);
  while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  return std::pair{name, std::string(line)};
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

// RFC 9112 §7.1.1.
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

// RFC 9112 §7.1. Nothing: no chunk line.
std::optional<std::uint64_t> read_chunk_line(std::string_view line) {
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
  if (digits == 0 || !are_extensions(line.substr(digits))) return std::nullopt;
  return size;
}

// What ends the connection's message on its own: a body of a length, in chunks, or none.
std::optional<PlainBody> take_framed(std::string_view& text, const PlainHead& head) {
  const bool chunked = head.count("transfer-encoding") > 0;
  const bool has_length = head.count("content-length") > 0;
  if (chunked && has_length) return std::nullopt;
  if (chunked) return take_chunks(text);
  if (!has_length) return PlainBody{.is_over = true};
  const auto length = read_number(head.first("content-length"));
  if (!length || head.count("content-length") > 1) return std::nullopt;
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

std::optional<PlainHead> take_head(std::string_view& text) {
  std::string_view rest = text;
  const auto start = take_line(rest);
  if (!start) return std::nullopt;
  PlainHead head{.start = std::string(*start)};
  for (;;) {
    const auto line = take_line(rest);
    if (!line) return std::nullopt;
    if (line->empty()) break;
    auto field = read_field(*line);
    if (!field) return std::nullopt;
    head.fields.push_back(std::move(*field));
  }
  if (head.count("transfer-encoding") > 1) return std::nullopt;
  if (head.count("transfer-encoding") == 1) {
    std::string coding = head.first("transfer-encoding");
    for (char& c : coding) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (coding != "chunked") return std::nullopt;
  }
  text = rest;
  return head;
}

std::optional<PlainMessage> take_request(std::string_view& text) {
  std::string_view rest = text;
  auto head = take_head(rest);
  if (!head || !is_request_line(head->start) || head->count("host") != 1) return std::nullopt;
  auto body = take_framed(rest, *head);
  if (!body) return std::nullopt;
  text = rest;
  return PlainMessage{.head = std::move(*head), .body = std::move(*body)};
}

std::optional<PlainMessage> take_response(std::string_view& text, bool has_no_body,
                                          Author author) {
  std::string_view rest = text;
  auto head = take_head(rest);
  const int status = head ? status_of(head->start, author) : 0;
  if (status == 0) return std::nullopt;
  PlainBody body{.is_over = true};
  if (!has_no_body && status >= 200 && status != 204 && status != 304) {
    const bool is_framed =
        head->count("transfer-encoding") > 0 || head->count("content-length") > 0;
    if (is_framed) {
      const auto framed = take_framed(rest, *head);
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

PlainBody take_chunks(std::string_view& text) {
  PlainBody body;
  for (;;) {
    if (text.find("\r\n") == std::string_view::npos) return body;
    const auto line = take_line(text);
    const auto size = line ? read_chunk_line(*line) : std::nullopt;
    body.is_broken = !size;
    if (body.is_broken) return body;
    if (*size == 0) break;
    const std::string_view data = text.substr(0, *size);
    body.payload += data;
    text.remove_prefix(data.size());
    body.is_broken =
        data.size() == *size && !std::string_view("\r\n").starts_with(text.substr(0, 2));
    if (body.is_broken || data.size() < *size || !take(text, "\r\n")) return body;
  }
  for (;;) {
    if (text.find("\r\n") == std::string_view::npos) return body;
    const auto line = take_line(text);
    body.is_over = line && line->empty();
    body.is_broken = !line || (!body.is_over && !read_field(*line));
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
  if (!take(line, "HTTP/1.1 ") && !take(line, "HTTP/1.0 ")) return 0;
  const auto status = read_number(line.substr(0, 3));
  line.remove_prefix(std::min<std::size_t>(line.size(), 3));
  const bool ends_well = line.starts_with(' ') || (line.empty() && author == Author::Backend);
  return status && *status >= 100 && ends_well ? static_cast<int>(*status) : 0;
}

}  // namespace hpp::fuzz
