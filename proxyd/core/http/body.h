// Pure. Finds where a message's body ends, and which of its bytes are framing.
//
// The framer never holds body bytes: its caller shows it the bytes in a buffer, and the framer says
// what to do with how many of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/http/response_parser.h"

namespace hpp::proxyd {

// What to do with the next bytes.
struct BodyStep {
  enum class Kind {
    Pass,      // the first `size` bytes belong to the body
    Replace,   // the first `size` bytes are malformed framing: pass `text` instead
    Drop,      // the first `size` bytes are framing that is not passed on
    NeedMore,  // a chunk line is incomplete: call next() with these and more bytes, in one piece
    Over,      // the body has ended; the next bytes belong to the next message
    Broken,    // the framing is invalid; see BodyFramer::error
  };

  Kind kind = Kind::NeedMore;
  std::size_t size = 0;
  // Replace, Drop: valid framing, to be passed in place of malformed framing. The view is valid
  // until the next step. If it is empty in a Drop, the original framing is valid and may be passed.
  std::string_view text = {};

  bool operator==(const BodyStep&) const = default;
};

template <bool is_request>
using MessageParser = std::conditional_t<is_request, RequestParser, ResponseParser>;

// Follows one body at a time.
template <bool is_request>
class BodyFramer {
 public:
  // `parser` has read the message's head and also reads its chunk lines. It must outlive the
  // framer.
  explicit BodyFramer(MessageParser<is_request>& parser) : parser_(parser) {}

  // Begins the body of the message whose head `parser` has just read. `keep_framing`: whether a
  // chunked body is passed with its framing; an HTTP/1.0 peer gets it without.
  void begin(Framing framing, std::uint64_t length, bool keep_framing);

  // From now on, passes a chunked body with its framing. Only call it between two chunks.
  void keep_framing() { keep_framing_ = true; }

  // `text`: the buffered bytes that were not passed or dropped yet, in one piece; may be empty.
  BodyStep next(std::string_view text);

  // How many of the next bytes are content, not framing. Larger than any body if the body ends with
  // its connection. A caller that moves such bytes without next() must report them with skip().
  std::uint64_t plain_left() const;
  void skip(std::uint64_t size);

  // Whether the body is complete if its connection closes now without an error.
  bool may_end_by_close() const { return over_ || framing_ == Framing::UntilClose; }

  bool is_over() const { return over_; }

  // How many bytes were passed so far.
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
