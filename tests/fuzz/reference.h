// A second HTTP/1 parser, simple, slow and strictly after RFC 9112. It shows how a strict peer
// understands the proxy's output. It can also read a backend's answers as leniently as the proxy
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
  // The value of the first field of that name; empty: there is none.
  std::string first(std::string_view name) const;
};

struct PlainBody {
  std::string payload;
  bool is_over = false;  // the body was complete
  bool is_broken = false;
};

struct PlainMessage {
  PlainHead head;
  PlainBody body;
};

// The author of a message. The proxy's messages must be strictly valid. A backend's answers may
// have defects if they are unambiguous (proxyd/core/http/answer_defects.h).
enum class Author { Proxy, Backend };

// These functions remove the text that they read from the front of `text`. They return nothing if
// it is incomplete or invalid.
std::optional<PlainHead> take_head(std::string_view& text, Author author = Author::Proxy);
std::optional<PlainMessage> take_request(std::string_view& text);
// `has_no_body` is true for the answer to a HEAD request. An answer without framing takes all text.
std::optional<PlainMessage> take_response(std::string_view& text, bool has_no_body,
                                          Author author = Author::Proxy);

PlainBody take_chunks(std::string_view& text, Author author = Author::Proxy);
PlainBody take_length(std::string_view& text, std::uint64_t length);

bool is_request_line(std::string_view line);
// Returns 200 for `HTTP/1.1 200 …`, and 0 for a line that is no status line.
int status_of(std::string_view line, Author author = Author::Proxy);

}  // namespace hpp::fuzz
