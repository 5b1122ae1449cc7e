// Pure. Parses HTTP/1 requests (RFC 9112), heads and chunked coding, and refuses every syntax
// error.
//
// Answers are parsed by response_parser.h, which is tolerant. head.h interprets the parsed heads.
// The parser is Boost.Beast's basic_parser; only parser.cc includes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hpp::proxyd {

// Larger heads are refused: a client gets 431 for its request, and 502 for a backend's answer.
constexpr std::size_t kHeadSizeMax = 64 * 1024;  // bytes
constexpr std::size_t kHeadFieldsMax = 256;

// The fields that the proxy itself reads or writes.
enum class FieldName : std::uint8_t {
  Other,
  Accept,
  Connection,
  ContentLength,
  ContentType,
  Expect,
  Forwarded,
  FrontEndHttps,
  Host,
  KeepAlive,
  MaxForwards,
  ProxyConnection,
  TE,
  Trailer,
  TransferEncoding,
  Upgrade,
  XForwardedFor,
  XForwardedHost,
  XForwardedProto,
  XForwardedScheme,
  XForwardedSsl,
};

// All views point into the text that was parsed.
struct Field {
  FieldName known = FieldName::Other;
  std::string_view name;
  std::string_view value;  // without the white space around it
};

FieldName known_name(std::string_view name);

// Returns the value of the first field with that name, in upper or lower case; nothing if there is
// no such field.
std::optional<std::string_view> find_field(const std::vector<Field>& fields, std::string_view name);

struct RequestHead {
  std::string_view method;
  std::string_view target;
  int minor = 1;  // HTTP/1.<minor>
  std::vector<Field> fields;
};

// The head is incomplete. The parser needs the same text again, with more text after it.
struct NeedMore {
  bool operator==(const NeedMore&) const = default;
};

// The text is not HTTP/1, or not in a form that hpp accepts.
struct Refused {
  int status = 400;  // the status for the client; unused for an answer, which always causes a 502
  std::string why;   // the reason, for people
  std::string_view allow = {};  // status 405: the methods that are allowed

  bool operator==(const Refused&) const = default;
};

// The head is complete and `size` bytes long. head() is valid until start(), and as long as the
// text is not moved or freed.
struct HeadRead {
  std::size_t size = 0;

  bool operator==(const HeadRead&) const = default;
};

using HeadResult = std::variant<NeedMore, HeadRead, Refused>;

// The meaning of the next bytes of a chunked body.
struct ChunkStep {
  enum class Kind {
    NeedMore,  // a chunk line is incomplete; the parser has taken no bytes
    Framing,   // `size` bytes of chunk line
    Payload,   // `size` bytes of content
    Last,      // `size` bytes: the last chunk with its trailers, which end the body
    Broken,    // invalid chunked coding; see error()
  };

  Kind kind = Kind::NeedMore;
  std::size_t size = 0;
  // Framing, Last: valid framing, to be passed on in place of malformed framing. Empty if the
  // original bytes may be passed on. The view is valid until the next step.
  std::string_view instead = {};
};

// Returns how many bytes of empty lines precede a request line. A server ignores them (RFC 9112
// §2.2): they do not begin a request, so no timeout runs for them, and they are not buffered.
std::size_t empty_lines_before_request(std::string_view text);

// Parses the requests of one connection, one after another.
class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Forgets the last request and expects a head.
  void start();

  // `text`: all bytes that have arrived since the end of the last request, in one piece.
  HeadResult read_head(std::string_view text);

  const RequestHead& head() const;

  // Reads on in a chunked body, after a head with Transfer-Encoding: chunked. `text`: the bytes
  // that were not taken yet, in one piece; must not be empty.
  ChunkStep read_chunk(std::string_view text);

  const std::string& error() const;

 private:
  class Parser;

  std::unique_ptr<Parser> parser_;
};

}  // namespace hpp::proxyd
