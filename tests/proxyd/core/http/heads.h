// Parses the heads of tests: at once, or in every way in which a text can arrive from a socket.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "proxyd/core/http/parser.h"
#include "proxyd/core/http/response_parser.h"

namespace hpp::proxyd {

// A complete and valid head.
template <class Parser>
class Parsed {
 public:
  explicit Parsed(std::string text) : text_(std::move(text)) {
    parser_.start();
    EXPECT_TRUE(std::holds_alternative<HeadRead>(parser_.read_head(text_))) << text_;
  }

  const auto& operator*() const { return parser_.head(); }

  const auto* operator->() const { return &parser_.head(); }

 private:
  const std::string text_;  // the head refers to it
  Parser parser_;
};

using ParsedRequest = Parsed<RequestParser>;
using ParsedResponse = Parsed<ResponseParser>;

// The result of parsing a text.
struct Outcome {
  std::string kind;      // head, refused, more
  std::size_t size = 0;  // the head's size; refused: the status
  std::string detail;    // a description of the head; refused: why
  Defects defects = {};

  bool operator==(const Outcome&) const = default;

  friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
    out << o.kind << " " << o.size << " " << o.detail;
    for (std::size_t kind = 0; kind < kDefectKinds; ++kind) {
      const auto defect = static_cast<Defect>(kind);
      if (o.defects.has(defect)) out << "; " << describe(defect);
    }
    return out;
  }
};

inline std::string start_of(const RequestHead& head) {
  return std::string(head.method) + ' ' + std::string(head.target);
}

inline std::string start_of(const ResponseHead& head) {
  return std::to_string(head.status) + ' ' + std::string(head.reason);
}

inline Defects defects_of(const RequestHead&) {
  return {};
}

inline Defects defects_of(const ResponseHead& head) {
  return head.defects;
}

// Calls the parser with the text up to each of `ends`, as if it arrived from a socket.
template <class Parser>
Outcome feed(const std::string& text, const std::vector<std::size_t>& ends) {
  Parser parser;
  parser.start();
  for (const std::size_t end : ends) {
    const std::string arrived = text.substr(0, end);  // at another address each time
    const HeadResult result = parser.read_head(arrived);
    if (const auto* refused = std::get_if<Refused>(&result)) {
      return {"refused", static_cast<std::size_t>(refused->status), refused->why};
    }
    if (const auto* read = std::get_if<HeadRead>(&result)) {
      const auto& head = parser.head();
      std::string text_of_head = start_of(head) + ' ' + std::to_string(head.minor);
      for (const Field& field : head.fields) {
        text_of_head += '|' + std::string(field.name) + '=' + std::string(field.value);
      }
      return {"head", read->size, text_of_head, defects_of(head)};
    }
  }
  return {"more", 0, {}};
}

inline std::vector<std::size_t> byte_by_byte(std::size_t size) {
  std::vector<std::size_t> ends;
  for (std::size_t i = 1; i <= size; ++i) ends.push_back(i);
  return ends;
}

// Feeds the text as a whole, in two pieces split at every byte, and byte by byte. If the text has
// several errors, the split decides which one is found first.
template <class Parser>
Outcome feed_in_every_way(const std::string& text) {
  const Outcome whole = feed<Parser>(text, {text.size()});
  const auto expect_same = [&](const Outcome& other, const std::string& how) {
    EXPECT_EQ(other.kind, whole.kind) << how << "\n" << text;
    if (whole.kind == "head") {
      EXPECT_EQ(other, whole) << how;
    }
  };
  for (std::size_t split = 1; split < text.size(); ++split) {
    expect_same(feed<Parser>(text, {split, text.size()}), "split at " + std::to_string(split));
  }
  expect_same(feed<Parser>(text, byte_by_byte(text.size())), "byte by byte");
  return whole;
}

// The result of reading a chunked body.
struct ChunkedBody {
  std::string passed;  // the bytes for a receiver that wants the framing
  std::string payload;
  std::string rest;  // the text after the body
  std::string error;
  Defects defects = {};

  bool operator==(const ChunkedBody&) const = default;

  friend std::ostream& operator<<(std::ostream& out, const ChunkedBody& b) {
    return out << "'" << b.passed << "' payload '" << b.payload << "' then '" << b.rest << "' "
               << b.error << (b.defects.none() ? "" : " with defects");
  }
};

// Reads a body behind a head whose first line is `start`. At most `piece` more bytes arrive each
// time.
template <class Parser>
ChunkedBody read_chunks(const std::string& start, const std::string& text, std::size_t piece) {
  const std::string head = start + "\r\nTransfer-Encoding: chunked\r\n\r\n";
  Parser parser;
  parser.start();
  EXPECT_TRUE(std::holds_alternative<HeadRead>(parser.read_head(head)));
  ChunkedBody body;
  std::size_t begin = 0;
  std::size_t end = 0;
  for (;;) {
    ChunkStep step;
    std::string arrived;
    if (begin < end) {
      arrived = text.substr(begin, end - begin);
      step = parser.read_chunk(arrived);
    }
    const std::string_view taken = std::string_view(arrived).substr(0, step.size);
    begin += step.size;
    if constexpr (requires { parser.chunk_defects(); }) body.defects = parser.chunk_defects();
    switch (step.kind) {
      case ChunkStep::Kind::NeedMore:
        if (end == text.size()) {
          body.error = "incomplete";
          return body;
        }
        end = std::min(text.size(), end + piece);
        break;
      case ChunkStep::Kind::Payload:
        body.payload += taken;
        body.passed += taken;
        break;
      case ChunkStep::Kind::Framing:
        body.passed += step.instead.empty() ? taken : step.instead;
        break;
      case ChunkStep::Kind::Last:
        body.passed += step.instead.empty() ? taken : step.instead;
        body.rest = text.substr(begin);
        return body;
      case ChunkStep::Kind::Broken:
        body.error = parser.error();
        return body;
    }
  }
}

}  // namespace hpp::proxyd
