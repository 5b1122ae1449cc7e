// Pure. Finds where a message's body ends, and which of its bytes are framing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/http/response_parser.h"

namespace hpp::proxyd {

// What to do with the bytes at hand.
struct BodyStep {
  enum class Kind {
    Pass,      // the first `size` bytes belong to the body
    Replace,   // the first `size` bytes are framing that is not to the letter: pass `text` instead
    Drop,      // the first `size` bytes are framing that is not passed on
    NeedMore,  // a chunk line is not complete: the same bytes again, with more behind, in one piece
    Over,      // the body has ended; what follows is the next message
    Broken,    // the framing is wrong; see BodyFramer::error
  };

  Kind kind = Kind::NeedMore;
  std::size_t size = 0;
  // Replace, Drop: what to pass in place of framing that is not to the letter; good until the next
  // step. Drop, empty: the framing may be passed as it came.
  std::string_view text = {};

  bool operator==(const BodyStep&) const = default;
};

template <bool is_request>
using MessageParser = std::conditional_t<is_request, RequestParser, ResponseParser>;

// Follows one body. The bytes themselves stay where they are: it is shown what is at hand and
// tells how much of it may go.
template <bool is_request>
class BodyFramer {
 public:
  // `parser` reads the chunk lines of the message whose head it has just read; it must outlive
  // the framer. A chunked body is passed with its framing, or without (for an HTTP/1.0 peer).
  explicit BodyFramer(MessageParser<is_request>& parser) : parser_(parser) {}

  void begin(Framing framing, std::uint64_t length, bool keep_framing);

  // A chunked body is passed with its framing from here on; between two chunks.
  void keep_framing() { keep_framing_ = true; }

  // `text`: bytes at hand that were not passed or dropped yet, in one piece; may be empty.
  BodyStep next(std::string_view text);

  // How many of the next bytes are content and not framing, whatever they are; more than any body
  // has if only the connection's end ends it. Who moves some of them unseen says so by skip().
  std::uint64_t plain_left() const;
  void skip(std::uint64_t size);

  // Whether the body is whole if the connection that brings it ends now, in good order.
  bool may_end_by_close() const { return over_ || framing_ == Framing::UntilClose; }

  bool is_over() const { return over_; }

  // Bytes that were passed so far.
  std::uint64_t passed() const { return passed_; }

  Framing framing() const { return framing_; }

  const std::string& error() const { return parser_.error(); }

 private:
  BodyStep step(std::string_view text);
  BodyStep step_chunked(std::string_view text);

  MessageParser<is_request>& parser_;
  Framing framing_ = Framing::None;
  std::uint64_t left_ = 0;
  std::uint64_t passed_ = 0;
  bool keep_framing_ = true;
  bool over_ = true;
};

using RequestBody = BodyFramer<true>;
using ResponseBody = BodyFramer<false>;

extern template class BodyFramer<true>;
extern template class BodyFramer<false>;

}  // namespace hpp::proxyd
