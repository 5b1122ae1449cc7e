#include "proxyd/core/http_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cassert>
#include <functional>
#include <limits>
#include <optional>

#include "proxyd/core/http_text.h"

namespace hpp::proxyd {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::string_view view(BeastView text) {
  return {text.data(), text.size()};
}

FieldName known_name(beast::field field) {
  // Beast knows some 350 names; all others here are passed on unread.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
  switch (field) {
    case beast::field::accept:
      return FieldName::Accept;
    case beast::field::connection:
      return FieldName::Connection;
    case beast::field::content_length:
      return FieldName::ContentLength;
    case beast::field::content_type:
      return FieldName::ContentType;
    case beast::field::expect:
      return FieldName::Expect;
    case beast::field::forwarded:
      return FieldName::Forwarded;
    case beast::field::host:
      return FieldName::Host;
    case beast::field::keep_alive:
      return FieldName::KeepAlive;
    case beast::field::proxy_connection:
      return FieldName::ProxyConnection;
    case beast::field::te:
      return FieldName::TE;
    case beast::field::trailer:
      return FieldName::Trailer;
    case beast::field::transfer_encoding:
      return FieldName::TransferEncoding;
    case beast::field::upgrade:
      return FieldName::Upgrade;
    default:
      return FieldName::Other;
  }
#pragma GCC diagnostic pop
}

// Those that Beast has no number for.
FieldName known_name(beast::field field, BeastView name) {
  if (field != beast::field::unknown) return known_name(field);
  if (boost::beast::iequals(name, "X-Forwarded-For")) return FieldName::XForwardedFor;
  if (boost::beast::iequals(name, "X-Forwarded-Host")) return FieldName::XForwardedHost;
  if (boost::beast::iequals(name, "X-Forwarded-Proto")) return FieldName::XForwardedProto;
  return FieldName::Other;
}

std::string_view explain(const error_code& error) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
  switch (static_cast<beast::error>(error.value())) {
    case beast::error::bad_method:
      return "the method is not a token";
    case beast::error::bad_target:
      return "the request target has characters that a target cannot have";
    case beast::error::bad_version:
      return "the start line does not say HTTP/1.0 or HTTP/1.1 where it should";
    case beast::error::bad_status:
      return "the status is not a number of three digits";
    case beast::error::bad_reason:
      return "the reason phrase has characters that it cannot have";
    case beast::error::bad_field:
      return "a header's name is not a token followed by a colon";
    case beast::error::bad_value:
      return "a header's value has characters that it cannot have";
    case beast::error::bad_content_length:
      return "Content-Length is not one number, or comes with Transfer-Encoding";
    case beast::error::bad_transfer_encoding:
      return "Transfer-Encoding is doubled, or comes with Content-Length";
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

// Whether a line feed stands without its carriage return: such a peer would make us wait for a
// CR LF CR LF that never comes.
bool has_bare_line_feed(std::string_view text) {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

// Whether a chunk's line ends with CR LF and has no other control characters. Beast lets a quoted
// extension have any. For some a line feed there ends the line: what follows would be another
// request to them.
bool is_chunk_line(std::string_view line) {
  if (!line.ends_with("\r\n")) return false;
  line.remove_suffix(2);
  return std::none_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// The first byte of a TLS handshake record (RFC 8446 §5.1).
constexpr char kTlsHandshake = 0x16;

}  // namespace

std::optional<std::string_view> find_field(const std::vector<Field>& fields,
                                           std::string_view name) {
  for (const Field& field : fields) {
    if (same_text(field.name, name)) return field.value;
  }
  return std::nullopt;
}

template <bool is_request>
class MessageParser<is_request>::Parser {
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
    std::size_t skipped = 0;
    // RFC 9112 §2.2: empty lines before a request line are to be ignored.
    if constexpr (is_request) {
      while (text.substr(skipped).starts_with("\r\n")) skipped += 2;
    }
    const std::string_view rest = text.substr(skipped);
    if (rest.empty() || rest == "\r") return NeedMore{};
    if (auto refused = check_start(rest.front())) return *refused;
    // Beast would take an incomplete head piece by piece, and its views would point into text that
    // moves when more arrives: it gets the whole head at once.
    const std::size_t from = std::max(skipped, scanned_ - std::min<std::size_t>(scanned_, 3));
    const std::size_t end = text.find("\r\n\r\n", from);
    if (end == std::string_view::npos || end - skipped > kHeadSizeMax - 4) {
      if (rest.size() >= kHeadSizeMax) return too_large("it is larger than 64 KiB");
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

  const Head& head() const { return head_; }

  const std::string& error() const { return error_; }

 private:
  class Beast final : public beast::basic_parser<is_request> {
   public:
    explicit Beast(Parser& owner) : owner_(owner) {
      // A larger head is refused before Beast sees it whole.
      this->header_limit(2 * kHeadSizeMax);
      // Not boost::none: Beast 1.74 takes any length to be greater than that.
      this->body_limit(std::numeric_limits<std::uint64_t>::max());
      this->eager(false);
    }

   private:
    void on_request_impl(beast::verb, BeastView method, BeastView target, int version,
                         error_code&) override {
      if constexpr (is_request) {
        owner_.head_.method = view(method);
        owner_.head_.target = view(target);
        owner_.head_.minor = version - 10;
      }
    }

    void on_response_impl(int status, BeastView reason, int version, error_code&) override {
      if constexpr (!is_request) {
        owner_.head_.status = status;
        owner_.head_.reason = view(reason);
        owner_.head_.minor = version - 10;
      }
    }

    void on_field_impl(beast::field field, BeastView name, BeastView value,
                       error_code& error) override {
      owner_.add_field(known_name(field, name), view(name), view(value), error);
    }

    void on_header_impl(error_code&) override {}

    void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}

    std::size_t on_body_impl(BeastView body, error_code&) override { return body.size(); }

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
    if constexpr (is_request) {
      if (first == kTlsHandshake) {
        return refuse("this port speaks http, not https");
      }
      if (!is_token_character(first)) {
        return refuse("the request does not begin with a method");
      }
    } else if (first != 'H') {
      return refuse("the answer does not begin with HTTP/1");
    }
    return std::nullopt;
  }

  HeadResult parse(std::string_view text, std::size_t size) {
    beast_.emplace(*this);
    in_trailers_ = false;
    head_.fields.clear();
    if constexpr (!is_request) text = with_space_behind_code(text);
    const error_code error = put(text);
    if (head_.fields.size() > kHeadFieldsMax) return too_large("it has more than 256 headers");
    if (error) return refuse(error_.empty() ? explain(error) : error_);
    assert(beast_->is_header_done());
    return HeadRead{.size = size};
  }

  // RFC 9112 §4: there is a space behind the status code even if no reason follows. Some backends
  // leave it out; every client understands them, Beast does not.
  std::string_view with_space_behind_code(std::string_view text) {
    constexpr std::size_t kCodeEnd = std::string_view("HTTP/1.1 200").size();
    if (text.find("\r\n") != kCodeEnd) return text;
    completed_.assign(text.substr(0, kCodeEnd));
    completed_ += ' ';
    completed_ += text.substr(kCodeEnd);
    return completed_;
  }

  static Refused refuse(std::string_view why) { return {.status = 400, .why = std::string(why)}; }

  static Refused too_large(const char* why) { return {.status = 431, .why = why}; }

  ChunkStep read_payload(std::string_view text) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, text.size()));
    put(text.substr(0, size));
    payload_left_ -= size;
    return {.kind = ChunkStep::Kind::Payload, .size = size};
  }

  // Beast takes the CR LF behind a chunk's data with the next chunk's line. A receiver may wait
  // for it, and the next chunk may be an hour away: it goes at once, and Beast gets it later.
  ChunkStep read_chunk_end(std::string_view text) {
    if (!std::string_view("\r\n").starts_with(text.substr(0, 2))) {
      return broken("a chunk does not end with CR LF where its size says");
    }
    if (text.size() < 2) return {.kind = ChunkStep::Kind::NeedMore};
    in_chunk_ = false;
    owed_ = "\r\n";
    return {.kind = ChunkStep::Kind::Framing, .size = 2};
  }

  // Beast gets a line when it is complete, the last one with all trailers.
  ChunkStep read_chunk_line(std::string_view text) {
    std::size_t end = text.find('\n');
    if (end != std::string_view::npos && !is_chunk_line(text.substr(0, end + 1))) {
      return broken("a chunk's line has characters that it cannot have");
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
    if (end >= kHeadSizeMax) {  // npos is, too
      return broken("a chunk's line or the trailers are larger than 64 KiB");
    }
    const std::string line = owed_ + std::string(text.substr(0, end + 1));
    owed_.clear();
    const error_code error = put(line);
    if (error) return broken(error_.empty() ? explain(error) : error_);
    if (beast_->is_done()) return {.kind = ChunkStep::Kind::Last, .size = end + 1};
    in_chunk_ = true;
    return {.kind = ChunkStep::Kind::Framing, .size = end + 1};
  }

  // What is given is complete: that more is wanted is an error, too.
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

  void add_field(FieldName known, std::string_view name, std::string_view value,
                 error_code& error) {
    if (is_folded(name, value)) {
      error_ = "a header is folded over several lines";
      error = beast::error::bad_obs_fold;
      return;
    }
    if (in_trailers_) return;
    head_.fields.push_back({.known = known, .name = name, .value = value});
    if (head_.fields.size() > kHeadFieldsMax) error = beast::error::header_limit;
  }

  // RFC 9112 §5.2 lets us refuse line folding. Beast unfolds: into a buffer of its own, or, if the
  // first line was empty, by taking the value from the next line.
  bool is_folded(std::string_view name, std::string_view value) const {
    const char* const name_end = name.data() + name.size();
    const std::less<const char*> before;
    if (before(value.data(), name_end) || before(text_end_, value.data())) return true;
    return std::string_view(name_end, value.data()).find('\n') != std::string_view::npos;
  }

  std::optional<Beast> beast_;
  Head head_;
  std::string error_;
  std::string completed_;  // the head that head_ points into, where it had to be completed
  const char* text_end_ = nullptr;
  std::size_t scanned_ = 0;
  std::uint64_t payload_left_ = 0;  // bytes of the chunk under way
  std::string owed_;                // what was passed on before Beast could have it
  bool in_chunk_ = false;           // between a chunk's line and the CR LF behind its data
  bool in_trailers_ = false;
};

template <bool is_request>
MessageParser<is_request>::MessageParser() : parser_(std::make_unique<Parser>()) {}

template <bool is_request>
MessageParser<is_request>::~MessageParser() = default;

template <bool is_request>
void MessageParser<is_request>::start() {
  parser_->start();
}

template <bool is_request>
HeadResult MessageParser<is_request>::read_head(std::string_view text) {
  return parser_->read_head(text);
}

template <bool is_request>
const typename MessageParser<is_request>::Head& MessageParser<is_request>::head() const {
  return parser_->head();
}

template <bool is_request>
ChunkStep MessageParser<is_request>::read_chunk(std::string_view text) {
  return parser_->read_chunk(text);
}

template <bool is_request>
const std::string& MessageParser<is_request>::error() const {
  return parser_->error();
}

template class MessageParser<true>;
template class MessageParser<false>;

}  // namespace hpp::proxyd
