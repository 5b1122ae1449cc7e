// Pure. Reads the text of HTTP/1 requests (RFC 9112), heads and chunked coding, and refuses what is
// not to the letter. Answers are read by response_parser.h, which is forgiving. What a head *means*
// is decided in head.h.
//
// Boost.Beast's basic_parser does the reading; it appears in parser.cc alone.
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

// Larger heads are refused: 431 to a client, 502 for a backend's.
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

// The value of the first field of that name, whatever its case; nothing: there is none.
std::optional<std::string_view> find_field(const std::vector<Field>& fields, std::string_view name);

struct RequestHead {
  std::string_view method;
  std::string_view target;
  int minor = 1;  // HTTP/1.<minor>
  std::vector<Field> fields;
};

// The head is not complete: the same text again, and more behind it.
struct NeedMore {
  bool operator==(const NeedMore&) const = default;
};

// The text is not HTTP/1 as we accept it.
struct Refused {
  int status = 400;  // what a client is answered; a backend's fault is a 502 always
  std::string why;   // for a person

  bool operator==(const Refused&) const = default;
};

// The head is `size` bytes long; head() tells what it says until start() or the text goes away.
struct HeadRead {
  std::size_t size = 0;

  bool operator==(const HeadRead&) const = default;
};

using HeadResult = std::variant<NeedMore, HeadRead, Refused>;

// What the next bytes of a chunked body are.
struct ChunkStep {
  enum class Kind {
    NeedMore,  // a chunk line is not complete; nothing is taken
    Framing,   // `size` bytes of chunk line
    Payload,   // `size` bytes of content
    Last,      // `size` bytes: the last chunk with its trailers; the body is over
    Broken,    // not chunked coding; see error()
  };

  Kind kind = Kind::NeedMore;
  std::size_t size = 0;
  // Framing, Last: what is to be passed on in their place, because they are not to the letter;
  // empty: they may be passed on as they came. Good until the next step.
  std::string_view instead = {};
};

// How many bytes of empty lines stand before a request line. A server ignores them (RFC 9112 §2.2):
// they are no request that has begun, and are not kept.
std::size_t empty_lines_before_request(std::string_view text);

// Reads one request after another of one connection.
class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Forgets the last request and expects a head.
  void start();

  // `text`: all that has arrived since the end of the last request, in one piece.
  HeadResult read_head(std::string_view text);

  const RequestHead& head() const;

  // After a head with Transfer-Encoding: chunked. `text`, not empty: bytes not taken yet, in one
  // piece.
  ChunkStep read_chunk(std::string_view text);

  const std::string& error() const;

 private:
  class Parser;

  std::unique_ptr<Parser> parser_;
};

}  // namespace hpp::proxyd
