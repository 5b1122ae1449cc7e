#include "proxyd/core/http/parser.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/version.hpp>
#include <cassert>
#include <functional>
#include <limits>
#include <optional>

#include "common/take_until.h"
#include "proxyd/core/http/text.h"

namespace hpp::proxyd {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::string_view view(BeastView text) {
  return {text.data(), text.size()};
}

std::string_view explain(const error_code& error) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
  switch (static_cast<beast::error>(error.value())) {
    case beast::error::bad_method:
      return "the method is not a token";
    case beast::error::bad_target:
      return "the request target contains invalid characters";
    case beast::error::bad_version:
      return "the request line does not end with HTTP/1.0 or HTTP/1.1";
    case beast::error::bad_field:
      return "a header's name is not a token followed by a colon";
    case beast::error::bad_value:
      return "a header's value contains invalid characters";
    case beast::error::bad_content_length:
      return "Content-Length is not one number, or comes with Transfer-Encoding";
    case beast::error::bad_transfer_encoding:
      return "Transfer-Encoding appears twice, or comes with Content-Length";
    case beast::error::bad_line_ending:
      return "a line does not end with CR LF";
    case beast::error::bad_chunk:
      return "a chunk does not begin with its size or end with CR LF";
    case beast::error::bad_chunk_extension:
      return "a chunk extension is malformed";
    case beast::error::bad_obs_fold:
      return "a header is folded over several lines";
    default:
      return "it is malformed";
  }
#pragma GCC diagnostic pop
}

// Whether a line ends with LF alone. A client that ends its lines like that never sends the
// CR LF CR LF that the parser waits for.
bool has_bare_line_feed(std::string_view text) {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

// Whether a chunk line ends with CR LF and has no other control characters. Beast accepts any in a
// quoted extension, but some servers end the line at a line feed there, and could then take the
// bytes after it for another request.
bool is_chunk_line(std::string_view line) {
  if (!line.ends_with("\r\n")) return false;
  line.remove_suffix(2);
  return std::none_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// RFC 9110 §6.5.1: a trailer must not have a meaning for framing. A server that reads such a
// trailer could find another end of the body. `text`: the last chunk's line and the trailers.
bool has_framing_trailer(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = take_until('\n', text);
    const FieldName name = known_name(take_until(':', line));
    if (name == FieldName::ContentLength || name == FieldName::TransferEncoding) return true;
  }
  return false;
}

// The first byte of a TLS handshake record (RFC 8446 §5.1).
constexpr char kTlsHandshake = 0x16;

struct KnownName {
  std::string_view text;
  FieldName name;
};

constexpr std::array kKnownNames{
    KnownName{"Accept", FieldName::Accept},
    KnownName{"Connection", FieldName::Connection},
    KnownName{"Content-Length", FieldName::ContentLength},
    KnownName{"Content-Type", FieldName::ContentType},
    KnownName{"Expect", FieldName::Expect},
    KnownName{"Forwarded", FieldName::Forwarded},
    KnownName{"Front-End-Https", FieldName::FrontEndHttps},
    KnownName{"Host", FieldName::Host},
    KnownName{"Keep-Alive", FieldName::KeepAlive},
    KnownName{"Max-Forwards", FieldName::MaxForwards},
    KnownName{"Proxy-Connection", FieldName::ProxyConnection},
    KnownName{"TE", FieldName::TE},
    KnownName{"Trailer", FieldName::Trailer},
    KnownName{"Transfer-Encoding", FieldName::TransferEncoding},
    KnownName{"Upgrade", FieldName::Upgrade},
    KnownName{"X-Forwarded-For", FieldName::XForwardedFor},
    KnownName{"X-Forwarded-Host", FieldName::XForwardedHost},
    KnownName{"X-Forwarded-Proto", FieldName::XForwardedProto},
    KnownName{"X-Forwarded-Scheme", FieldName::XForwardedScheme},
    KnownName{"X-Forwarded-Ssl", FieldName::XForwardedSsl},
};

}  // namespace

FieldName known_name(std::string_view name) {
  for (const KnownName& known : kKnownNames) {
    if (known.text.size() == name.size() && same_text(known.text, name)) return known.name;
  }
  return FieldName::Other;
}

std::optional<std::string_view> find_field(const std::vector<Field>& fields,
                                           std::string_view name) {
  for (const Field& field : fields) {
    if (same_text(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t empty_lines_before_request(std::string_view text) {
  std::size_t size = 0;
  while (text.substr(size).starts_with("\r\n")) size += 2;
  return size;
}

class RequestParser::Parser {
 public:
  void start() {
    beast_.reset();
    error_.clear();
    scanned_ = 0;
    payload_left_ = 0;
    owed_.clear();
    in_chunk_ = false;
  }

  HeadResult read_head(std::string_view text) {
    const std::size_t skipped = empty_lines_before_request(text);
    const std::string_view rest = text.substr(skipped);
    if (rest.empty() || rest == "\r") return NeedMore{};
    if (auto refused = check_start(rest.front())) return *refused;
    // Beast gets the whole head at once. If it got it in pieces, its views would point into text
    // that moves when more bytes arrive.
    const std::size_t from = std::max(skipped, scanned_ - std::min<std::size_t>(scanned_, 3));
    const std::size_t end = text.find("\r\n\r\n", from);
    if (end == std::string_view::npos || end - skipped > kHeadSizeMax - 4) {
      if (rest.size() >= kHeadSizeMax) return too_large(rest);
      if (has_bare_line_feed(rest)) return refuse("a line does not end with CR LF");
      scanned_ = text.size();
      return NeedMore{};
    }
    return parse(rest.substr(0, end + 4 - skipped), end + 4);
  }

  ChunkStep read_chunk(std::string_view text) {
    assert(beast_ && !text.empty());
    if (payload_left_ > 0) return read_payload(text);
    if (in_chunk_) return read_chunk_end(text);
    return read_chunk_line(text);
  }

  const RequestHead& head() const { return head_; }

  const std::string& error() const { return error_; }

 private:
  class Beast final : public beast::basic_parser</*isRequest=*/true> {
   public:
    explicit Beast(Parser& owner) : owner_(owner) {
      // Never reached: read_head() refuses heads above kHeadSizeMax.
      this->header_limit(2 * kHeadSizeMax);
      // Not boost::none: Beast 1.74 considers every length greater than none.
      this->body_limit(std::numeric_limits<std::uint64_t>::max());
      this->eager(false);
    }

   private:
    void on_request_impl(beast::verb, BeastView method, BeastView target, int version,
                         error_code&) override {
      owner_.head_.method = view(method);
      owner_.head_.target = view(target);
      owner_.head_.minor = version - 10;
    }

    void on_response_impl(int, BeastView, int, error_code&) override {}

    void on_field_impl(beast::field, BeastView name, BeastView value, error_code& error) override {
      owner_.add_field(view(name), view(value), error);
    }

#if BOOST_VERSION >= 109000  // older releases report trailers with on_field_impl()
    void on_trailer_field_impl(beast::field, BeastView name, BeastView value,
                               error_code& error) override {
      owner_.add_field(view(name), view(value), error);
    }
#endif

    void on_header_impl(error_code&) override {}

    void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}

    std::size_t on_body_impl(BeastView body, error_code&) override {
      return body.size();
    }

    void on_chunk_header_impl(std::uint64_t size, BeastView, error_code&) override {
      owner_.payload_left_ = size;
      owner_.in_trailers_ = size == 0;
    }

    std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, error_code&) override {
      return body.size();
    }

    void on_finish_impl(error_code&) override {}

    Parser& owner_;
  };

  std::optional<Refused> check_start(char first) const {
    if (first == kTlsHandshake) return refuse("this port speaks http, not https");
    if (!is_token_character(first)) return refuse("the request does not begin with a method");
    return std::nullopt;
  }

  HeadResult parse(std::string_view text, std::size_t size) {
    beast_.emplace(*this);
    in_trailers_ = false;
    head_.fields.clear();
    const error_code error = put(text);
    if (head_.fields.size() > kHeadFieldsMax) return too_many_fields();
    if (error) return refuse(error_.empty() ? explain(error) : error_);
    assert(beast_->is_header_done());
    return HeadRead{.size = size};
  }

  static Refused refuse(std::string_view why) {
    return {.status = 400, .why = std::string(why)};
  }

  static Refused too_many_fields() {
    return {.status = 431, .why = "it has more than 256 headers"};
  }

  // RFC 9110 §15.5.15: the status is 414 if the request line is too long.
  static Refused too_large(std::string_view text) {
    if (text.substr(0, kHeadSizeMax / 2).find("\r\n") == std::string_view::npos) {
      return {.status = 414,
              .why = "its target, of more than 32 KiB, makes its head larger than 64 KiB"};
    }
    return {.status = 431, .why = "its head is larger than 64 KiB"};
  }

  ChunkStep read_payload(std::string_view text) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, text.size()));
    put(text.substr(0, size));
    payload_left_ -= size;
    return {.kind = ChunkStep::Kind::Payload, .size = size};
  }

  // Beast reads the CR LF after a chunk's data together with the next chunk line. The receiver may
  // need this CR LF now, and the next chunk may be an hour away. Therefore it is passed on at once,
  // and Beast gets it later (owed_).
  ChunkStep read_chunk_end(std::string_view text) {
    if (!std::string_view("\r\n").starts_with(text.substr(0, 2))) {
      return broken("a chunk does not end with CR LF where its size says");
    }
    if (text.size() < 2) return {.kind = ChunkStep::Kind::NeedMore};
    in_chunk_ = false;
    owed_ = "\r\n";
    return {.kind = ChunkStep::Kind::Framing, .size = 2};
  }

  // Beast only gets complete lines, and the last one only with all trailers.
  ChunkStep read_chunk_line(std::string_view text) {
    std::size_t end = text.find('\n');
    if (end != std::string_view::npos && !is_chunk_line(text.substr(0, end + 1))) {
      return broken("a chunk's line contains invalid characters");
    }
    const std::size_t digits = text.find_first_not_of('0');
    const bool is_last = digits != 0 && digits != std::string_view::npos &&
                         (text[digits] == ';' || text[digits] == '\r');
    if (is_last && end != std::string_view::npos) {
      end = text.find("\r\n\r\n", end - std::min<std::size_t>(end, 1));
      if (end != std::string_view::npos) end += 3;
    }
    if (end == std::string_view::npos && text.size() < kHeadSizeMax) {
      if (has_bare_line_feed(text)) return broken("a line does not end with CR LF");
      return {.kind = ChunkStep::Kind::NeedMore};
    }
    if (end >= kHeadSizeMax) {  // true for npos as well
      return broken("a chunk's line or the trailers are larger than 64 KiB");
    }
    if (is_last && has_framing_trailer(text.substr(0, end + 1))) {
      return broken("a trailer is named Content-Length or Transfer-Encoding");
    }
    const std::string line = owed_ + std::string(text.substr(0, end + 1));
    owed_.clear();
    const error_code error = put(line);
    if (error) return broken(error_.empty() ? explain(error) : error_);
    if (beast_->is_done()) return {.kind = ChunkStep::Kind::Last, .size = end + 1};
    in_chunk_ = true;
    return {.kind = ChunkStep::Kind::Framing, .size = end + 1};
  }

  // `text` must be complete: if Beast asks for more, that is returned as an error.
  error_code put(std::string_view text) {
    text_end_ = text.data() + text.size();
    error_code error;
    beast_->put(boost::asio::buffer(text.data(), text.size()), error);
    return error;
  }

  ChunkStep broken(std::string_view why) {
    error_ = why;
    return {.kind = ChunkStep::Kind::Broken};
  }

  void add_field(std::string_view name, std::string_view value, error_code& error) {
    if (is_folded(name, value)) {
      error_ = "a header is folded over several lines";
      error = beast::error::bad_obs_fold;
      return;
    }
    if (in_trailers_) return;
    head_.fields.push_back({.known = known_name(name), .name = name, .value = value});
    if (head_.fields.size() > kHeadFieldsMax) error = beast::error::header_limit;
  }

  // RFC 9112 §5.2 allows a server to refuse line folding, but Beast unfolds lines. A folded value
  // is in Beast's own buffer, or, if the first line was empty, on the next line.
  bool is_folded(std::string_view name, std::string_view value) const {
    const char* const name_end = name.data() + name.size();
    const std::less<const char*> before;
    if (before(value.data(), name_end) || before(text_end_, value.data())) return true;
    return std::string_view(name_end, value.data()).find('\n') != std::string_view::npos;
  }

  std::optional<Beast> beast_;
  RequestHead head_;
  std::string error_;
  const char* text_end_ = nullptr;
  std::size_t scanned_ = 0;
  std::uint64_t payload_left_ = 0;  // bytes left of the current chunk
  std::string owed_;                // framing that was passed on, but that Beast has not read yet
  bool in_chunk_ = false;           // between a chunk line and the CR LF after the chunk's data
  bool in_trailers_ = false;
};

RequestParser::RequestParser() : parser_(std::make_unique<Parser>()) {}

RequestParser::~RequestParser() = default;

void RequestParser::start() {
  parser_->start();
}

HeadResult RequestParser::read_head(std::string_view text) {
  return parser_->read_head(text);
}

const RequestHead& RequestParser::head() const {
  return parser_->head();
}

ChunkStep RequestParser::read_chunk(std::string_view text) {
  return parser_->read_chunk(text);
}

const std::string& RequestParser::error() const {
  return parser_->error();
}

}  // namespace hpp::proxyd
