// Pure. Parses HTTP/1 answers: heads and chunked coding.
//
// This parser is tolerant, while the one for requests (parser.h) is strict. The backend is the
// developer's own, and hpp knows which request it answers, so nothing can be smuggled. An answer is
// accepted if it can only be understood in one way; answer_defects.h lists the accepted defects.
// The resulting head is always valid: it has no folds and no control characters.
//
//   accepted                                  because
//   bare LF for CR LF, in heads and chunks    RFC 9112 §2.2; nginx, HAProxy
//   empty lines before the status line        HAProxy, Node; nothing else can be meant
//   extra or missing blanks around the        nginx, HAProxy
//   status code
//   HTTP/2.0 and the like in a status line    nginx, HAProxy: read as HTTP/1.1
//   blanks before a header's colon            RFC 9112 §5.1: a proxy must remove them
//   folded headers                            RFC 9112 §5.2: a fold becomes a blank
//   control characters but NUL, CR, LF        nginx, HAProxy; they become blanks (RFC 9110 §5.5)
//   blanks or any text after a chunk's size   RFC 9112 §7.1.1: a recipient ignores extensions
//
// An answer is refused if it can be understood in two ways or not at all: NUL or a bare CR, a
// header without a colon or with a name that is not a token, a status that is not three digits, a
// chunk without a size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

#include "proxyd/core/http/answer_defects.h"
#include "proxyd/core/http/parser.h"

namespace hpp::proxyd {

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  int minor = 1;
  std::vector<Field> fields;
  Defects defects;
};

// Parses the answers on one connection, one after another.
class ResponseParser {
 public:
  // Forgets the last answer and expects a head.
  void start();

  // `text`: all bytes that have arrived since the end of the last answer, in one piece.
  HeadResult read_head(std::string_view text);

  // Valid until start(), and as long as the head's text is not moved or freed.
  const ResponseHead& head() const { return head_; }

  // Reads on in a chunked body, after a head with Transfer-Encoding: chunked. `text`: the bytes
  // that were not taken yet, in one piece; must not be empty.
  ChunkStep read_chunk(std::string_view text);

  // The defects of the chunked coding so far.
  const Defects& chunk_defects() const { return chunk_defects_; }

  const std::string& error() const { return error_; }

 private:
  HeadResult parse(std::string_view head, std::size_t size);
  bool parse_status_line(std::string_view line);
  bool parse_fields(std::string_view lines, std::vector<Field>& fields, Defects& defects);
  bool parse_field(std::string_view line, std::vector<Field>& fields, Defects& defects);
  std::string_view take_line(std::string_view& text, Defects& defects);
  std::string_view take_folded(std::string_view first, std::string_view& text, Defects& defects);
  std::string_view without_controls(std::string_view text, Defects& defects);
  ChunkStep read_chunk_end(std::string_view text);
  ChunkStep read_chunk_line(std::string_view text);
  ChunkStep read_last_chunk(std::string_view text, std::size_t line_size, bool to_the_letter);
  ChunkStep broken(std::string why);
  ChunkStep incomplete(std::string_view text);

  ResponseHead head_;
  std::string error_;
  std::forward_list<std::string>
      made_;                 // corrected text that head_ points into instead of the original
  std::size_t scanned_ = 0;  // no empty line begins before this offset
  Defects chunk_defects_;
  std::string instead_;             // the replacement for the last framing that was read
  std::uint64_t payload_left_ = 0;  // bytes left of the current chunk
  bool in_chunk_ = false;           // between a chunk line and the CR LF after the chunk's data
};

}  // namespace hpp::proxyd
