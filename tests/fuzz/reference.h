// Another reader of HTTP/1, simple, slow and to the letter of RFC 9112: what a strict party behind
// the proxy takes its bytes for. It can also read a backend's answers as forgivingly as the proxy
// does. It shares no code with the proxy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hpp::fuzz {

struct PlainHead {
  std::string start;                                        // the start line
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case

  std::size_t count(std::string_view name) const;
  std::string first(std::string_view name) const;  // its value; empty: there is none
};

struct PlainBody {
  std::string payload;
  bool is_over = false;  // all of it was there
  bool is_broken = false;
};

struct PlainMessage {
  PlainHead head;
  PlainBody body;
};

// The author of a message. The proxy writes to the letter; from a backend it also accepts some
// answers that are not, if they have one plain meaning (proxyd/core/http/answer_defects.h).
enum class Author { Proxy, Backend };

// Each takes off the front of `text` what it reads. Nothing: not complete, or not to the letter.
std::optional<PlainHead> take_head(std::string_view& text, Author author = Author::Proxy);
std::optional<PlainMessage> take_request(std::string_view& text);
// `has_no_body`: the answer to a HEAD. An answer without framing takes all the text.
std::optional<PlainMessage> take_response(std::string_view& text, bool has_no_body,
                                          Author author = Author::Proxy);

PlainBody take_chunks(std::string_view& text, Author author = Author::Proxy);
PlainBody take_length(std::string_view& text, std::uint64_t length);

bool is_request_line(std::string_view line);
// `HTTP/1.1 200 …`: 200. 0: it is no status line.
int status_of(std::string_view line, Author author = Author::Proxy);

}  // namespace hpp::fuzz
