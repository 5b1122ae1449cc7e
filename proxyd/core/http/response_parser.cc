#include "proxyd/core/http/response_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

constexpr std::string_view kBlanks = " \t";

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Not a function, because std::none_of() would call it through a pointer for each byte of a head.
constexpr auto is_control_byte = [](char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
};

std::string_view trimmed_left(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text;
}

std::string_view trimmed_right(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

constexpr const char* kForbidden = "has a NUL or a bare CR";

// RFC 9110 §5.5 calls NUL and CR dangerous: some programs end the line or the text there.
bool has_forbidden(std::string_view line) {
  return line.find('\0') != std::string_view::npos || line.find('\r') != std::string_view::npos;
}

// Returns the size of the empty line at the front of `text`; 0 if `text` does not begin with one.
std::size_t empty_line(std::string_view text) {
  if (text.starts_with('\n')) return 1;
  return text.starts_with("\r\n") ? 2 : 0;
}

// Where the lines of `text` end, an empty one included; npos: that has not come yet.
std::size_t find_end(std::string_view text, std::size_t from) {
  for (auto at = text.find('\n', from); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    if (const std::size_t size = empty_line(text.substr(at + 1))) return at + 1 + size;
  }
  return std::string_view::npos;
}

bool has_bare_cr(std::string_view text) {
  for (auto at = text.find('\r'); at != std::string_view::npos; at = text.find('\r', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] != '\n') return true;
  }
  return false;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool take_token(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_token_character);
  const auto size = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(size);
  return size > 0;
}

// RFC 9112 §7.1.1: *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ).
bool are_extensions(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_control_byte)) return false;
  while (!text.empty()) {
    text = trimmed_left(text);
    if (!take(text, ';')) return false;
    text = trimmed_left(text);
    if (!take_token(text)) return false;
    std::string_view value = trimmed_left(text);
    if (!take(value, '=')) continue;
    value = trimmed_left(value);
    if (!take_quoted(value) && !take_token(value)) return false;
    text = value;
  }
  return true;
}

// RFC 9110 §6.5.1: trailers must not contain fields that say where the message ends.
bool is_framing(const Field& field) {
  return field.known == FieldName::ContentLength || field.known == FieldName::TransferEncoding;
}

}  // namespace

void ResponseParser::start() {
  error_.clear();
  scanned_ = 0;
  chunk_defects_ = {};
  payload_left_ = 0;
  in_chunk_ = false;
}

// ---- heads --------------------------------------------------------------------------------------

HeadResult ResponseParser::read_head(std::string_view text) {
  constexpr std::string_view kStart = "HTTP/";
  std::size_t skipped = 0;
  while (const std::size_t size = empty_line(text.substr(skipped))) skipped += size;
  const std::string_view rest = text.substr(skipped);
  const bool may_be_answer = rest == "\r" || kStart.starts_with(rest.substr(0, kStart.size()));
  if (!may_be_answer) {
    return Refused{.why = "it begins with " + quoted(rest) + " and not with HTTP/1.1"};
  }
  const std::size_t end = find_end(text, std::max(skipped, scanned_));
  const bool is_complete = end != std::string_view::npos;
  if (is_complete && end <= kHeadSizeMax) return parse(text.substr(skipped, end - skipped), end);
  if (text.size() >= kHeadSizeMax) return Refused{.why = "its head is larger than 64 KiB"};
  // If a server ends its lines with CR alone, the end of the head never comes.
  if (has_bare_cr(rest)) return Refused{.why = "its head has a CR without an LF"};
  scanned_ = text.size() - std::min<std::size_t>(text.size(), 2);
  return NeedMore{};
}

HeadResult ResponseParser::parse(std::string_view head, std::size_t size) {
  head_.fields.clear();
  head_.defects = {};
  made_.clear();
  if (head.size() < size) head_.defects.add(Defect::EmptyLineBefore);
  if (!parse_status_line(take_line(head, head_.defects)) ||
      !parse_fields(head, head_.fields, head_.defects)) {
    return Refused{.why = error_};
  }
  return HeadRead{.size = size};
}

bool ResponseParser::parse_status_line(std::string_view line) {
  const auto refuse = [&](const char* why) {
    error_ = fmt::format("its status line {} {}", quoted(line), why);
    return false;
  };
  constexpr const char* kExpected = "is not of the form 'HTTP/1.1 200 OK'";
  if (has_forbidden(line)) return refuse(kForbidden);
  constexpr std::size_t kVersionSize = std::string_view("HTTP/1.1").size();
  const bool has_version = line.size() > kVersionSize && line[5] >= '1' && is_digit(line[5]) &&
                           line[6] == '.' && is_digit(line[7]) && is_blank(line[8]);
  if (!has_version) return refuse(kExpected);
  const std::string_view rest = trimmed_left(line.substr(kVersionSize));
  const std::string_view code = rest.substr(0, 3);
  const std::string_view reason = rest.substr(code.size());
  const bool is_code = code.size() == 3 && code[0] >= '1' &&
                       std::all_of(code.begin(), code.end(), is_digit) &&
                       (reason.empty() || is_blank(reason[0]));
  if (!is_code) return refuse(kExpected);
  const bool to_the_letter = line[5] == '1' && line[kVersionSize] == ' ' &&
                             is_digit(line[kVersionSize + 1]) && reason.starts_with(' ');
  if (!to_the_letter) head_.defects.add(Defect::StatusLine);
  head_.minor = line[5] == '1' && line[7] == '0' ? 0 : 1;
  head_.status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  head_.reason =
      without_controls(reason.substr(std::min<std::size_t>(reason.size(), 1)), head_.defects);
  return true;
}

// Parses fields until an empty line.
bool ResponseParser::parse_fields(std::string_view lines, std::vector<Field>& fields,
                                  Defects& defects) {
  while (!lines.empty()) {
    std::string_view line = take_line(lines, defects);
    if (line.empty()) return true;
    if (is_blank(line[0])) {
      error_ = "a blank precedes its first header " + quoted(trimmed(line));
      return false;
    }
    if (!lines.empty() && is_blank(lines[0])) line = take_folded(line, lines, defects);
    if (!parse_field(line, fields, defects)) return false;
    if (fields.size() > kHeadFieldsMax) {
      error_ = "it has more than 256 headers";
      return false;
    }
  }
  return true;
}

bool ResponseParser::parse_field(std::string_view line, std::vector<Field>& fields,
                                 Defects& defects) {
  const auto refuse = [&](const char* why) {
    error_ = fmt::format("its header line {} {}", quoted(line), why);
    return false;
  };
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return refuse("has no colon");
  if (has_forbidden(line)) return refuse(kForbidden);
  const std::string_view name = trimmed_right(line.substr(0, colon));
  if (!is_token(name)) return refuse("has a name with invalid characters");
  if (name.size() < colon) defects.add(Defect::BlankBeforeColon);
  const std::string_view value = without_controls(line.substr(colon + 1), defects);
  fields.push_back({.known = known_name(name), .name = name, .value = trimmed(value)});
  return true;
}

// Removes the first line from `text`, which must contain one, and returns it without its line end.
std::string_view ResponseParser::take_line(std::string_view& text, Defects& defects) {
  const std::size_t end = text.find('\n');
  assert(end != std::string_view::npos);
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  } else {
    defects.add(Defect::BareLineFeed);
  }
  return line;
}

// Joins `first` with the lines of `text` that continue it.
std::string_view ResponseParser::take_folded(std::string_view first, std::string_view& text,
                                             Defects& defects) {
  defects.add(Defect::Folded);
  std::string& joined = made_.emplace_front(trimmed_right(first));
  while (!text.empty() && is_blank(text[0])) {
    joined += ' ';
    joined += trimmed(take_line(text, defects));
  }
  return joined;
}

std::string_view ResponseParser::without_controls(std::string_view text, Defects& defects) {
  if (std::none_of(text.begin(), text.end(), is_control_byte)) return text;
  defects.add(Defect::ControlCharacter);
  std::string& made = made_.emplace_front(text);
  std::replace_if(made.begin(), made.end(), is_control_byte, ' ');
  return made;
}

// ---- chunks -------------------------------------------------------------------------------------

ChunkStep ResponseParser::read_chunk(std::string_view text) {
  assert(!text.empty());
  if (payload_left_ > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, text.size()));
    payload_left_ -= size;
    return {.kind = ChunkStep::Kind::Payload, .size = size};
  }
  return in_chunk_ ? read_chunk_end(text) : read_chunk_line(text);
}

// Reads the line end after a chunk's data. It is passed on at once, because the receiver may need
// it now, and the next chunk may be an hour away.
ChunkStep ResponseParser::read_chunk_end(std::string_view text) {
  if (text == "\r") return {.kind = ChunkStep::Kind::NeedMore};
  const std::size_t size = empty_line(text);
  if (size == 0) {
    return broken("a chunk is longer than its size says: its end is followed by " + quoted(text));
  }
  in_chunk_ = false;
  if (size == 2) return {.kind = ChunkStep::Kind::Framing, .size = size};
  chunk_defects_.add(Defect::BareLineFeed);
  return {.kind = ChunkStep::Kind::Framing, .size = size, .instead = "\r\n"};
}

ChunkStep ResponseParser::read_chunk_line(std::string_view text) {
  std::uint64_t chunk_size = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && hex_value(text[digits]) >= 0; ++digits) {
    if (chunk_size >> 60 != 0) return broken("a chunk's size is 2^64 or more");
    chunk_size = chunk_size * 16 + static_cast<unsigned>(hex_value(text[digits]));
  }
  if (digits == text.size()) return incomplete(text);
  if (digits == 0) return broken("a chunk begins with " + quoted(text) + " in place of its size");
  const std::size_t end = text.find('\n', digits);
  if (end == std::string_view::npos) return incomplete(text);
  if (end >= kHeadSizeMax) return incomplete(text.substr(0, end));
  std::string_view extension = text.substr(digits, end - digits);
  const bool has_cr = extension.ends_with('\r');
  if (has_cr) extension.remove_suffix(1);
  const std::string_view rest = trimmed_left(extension);
  const bool may_be_extension = rest.empty() || rest[0] == ';';
  if (!may_be_extension || extension.find('\r') != std::string_view::npos) {
    return broken("a chunk's size is followed by " + quoted(extension));
  }
  const bool is_well_formed = are_extensions(extension);
  if (!has_cr) chunk_defects_.add(Defect::BareLineFeed);
  if (!is_well_formed) chunk_defects_.add(Defect::ChunkLine);
  const bool to_the_letter = has_cr && is_well_formed;
  if (chunk_size == 0) return read_last_chunk(text, end + 1, to_the_letter);
  payload_left_ = chunk_size;
  in_chunk_ = true;
  instead_.clear();
  if (!to_the_letter) instead_ = fmt::format("{:x}\r\n", chunk_size);
  return {.kind = ChunkStep::Kind::Framing, .size = end + 1, .instead = instead_};
}

// Reads the last chunk with its trailers. If any part of it is malformed, the trailers are removed.
ChunkStep ResponseParser::read_last_chunk(std::string_view text, std::size_t line_size,
                                          bool to_the_letter) {
  const std::size_t end = find_end(text, line_size - 1);
  if (end == std::string_view::npos) return incomplete(text);
  if (end > kHeadSizeMax) return incomplete(text.substr(0, end));
  Defects defects;
  std::vector<Field> trailers;
  if (!parse_fields(text.substr(line_size, end - line_size), trailers, defects)) {
    return broken("behind its last chunk, " + error_);
  }
  if (std::any_of(trailers.begin(), trailers.end(), is_framing)) defects.add(Defect::Trailers);
  chunk_defects_.add(defects);
  const bool passes = to_the_letter && defects.none();
  return {.kind = ChunkStep::Kind::Last,
          .size = end,
          .instead = passes ? std::string_view() : std::string_view("0\r\n\r\n")};
}

ChunkStep ResponseParser::incomplete(std::string_view text) {
  if (text.size() < kHeadSizeMax) return {.kind = ChunkStep::Kind::NeedMore};
  return broken("a chunk's line, or its trailers, are larger than 64 KiB");
}

ChunkStep ResponseParser::broken(std::string why) {
  error_ = std::move(why);
  return {.kind = ChunkStep::Kind::Broken};
}

}  // namespace hpp::proxyd
