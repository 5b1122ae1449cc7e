// Pure. Reads the text of HTTP/1 answers: heads and chunked coding.
//
// Forgiving, where parser.h, which reads requests, is strict. The backend is the developer's
// own and its answer goes to a client whose request we know, so nothing can be smuggled. An answer
// is accepted if it has one plain meaning; answer_defects.h lists the departures from the letter.
// The head that comes out of it is to the letter: no folds, no control characters.
//
//   accepted                                  because
//   bare LF for CR LF, in heads and chunks    RFC 9112 §2.2; nginx, HAProxy
//   empty lines before the status line        HAProxy, Node; nothing else can be meant
//   blanks, or none, around the status code   nginx, HAProxy
//   HTTP/2.0 and the like in a status line    nginx, HAProxy: read as HTTP/1.1
//   blanks before a header's colon            RFC 9112 §5.1: a proxy must remove them
//   folded headers                            RFC 9112 §5.2: a fold becomes a blank
//   control characters but NUL, CR, LF        nginx, HAProxy; they become blanks (RFC 9110 §5.5)
//   blanks, anything behind a chunk's size    RFC 9112 §7.1.1: extensions are to be ignored
//
// Refused, because it may be understood in two ways or not at all: NUL or a bare CR, a header
// without a colon or with a name that is no token, a status that is not three digits, a chunk
// without a size.
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

// Reads one answer after another of one connection.
class ResponseParser {
 public:
  // Forgets the last answer and expects a head.
  void start();

  // `text`: all that has arrived since the end of the last answer, in one piece.
  HeadResult read_head(std::string_view text);

  // Until start(), and for as long as the text of the head is there.
  const ResponseHead& head() const { return head_; }

  // After a head with Transfer-Encoding: chunked. `text`, not empty: bytes not taken yet, in one
  // piece.
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
      made_;                 // what head_ points into, where the text was not to the letter
  std::size_t scanned_ = 0;  // no empty line begins before this place
  Defects chunk_defects_;
  std::string instead_;             // for the framing that was read last
  std::uint64_t payload_left_ = 0;  // bytes of the chunk under way
  bool in_chunk_ = false;           // between a chunk's line and the CR LF behind its data
};

}  // namespace hpp::proxyd
