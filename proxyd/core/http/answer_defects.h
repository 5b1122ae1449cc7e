// Pure. The ways in which a server's answer may depart from RFC 9112 and still be accepted.
//
// hpp writes every head itself, so it accepts an answer with a defect if the answer has one plain
// meaning: RFC 9112 defines it, or nginx and HAProxy agree on it. The answer that the client
// gets is to the letter. Each kind of defect is named once per run in the log, and on `/__hpp/`,
// because the next program that reads these answers may be less forgiving.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::proxyd {

enum class Defect : std::uint8_t {
  EmptyLineBefore,      // an empty line before the status line
  StatusLine,           // not `HTTP/1.1 200 OK`: odd blanks, or a version that is not HTTP/1.x
  BareLineFeed,         // a line of a head, or of chunked coding, ends with LF alone
  Folded,               // a header that goes on in the next line
  BlankBeforeColon,     // `Content-Length : 5`
  ControlCharacter,     // in a header's value or in the reason phrase
  LengthWithChunked,    // Content-Length beside Transfer-Encoding
  RepeatedLength,       // Content-Length several times, with one value
  OddTransferEncoding,  // Transfer-Encoding has empty elements, or is empty
  ChunkedInHttp10,      // Transfer-Encoding in an HTTP/1.0 answer
  ChunkLine,            // blanks or a malformed extension behind a chunk's size
  Trailers,             // trailers that belong into the head
};

constexpr std::size_t kDefectKinds = 12;

// The defects of one answer.
class Defects {
 public:
  void add(Defect defect) { bits_ |= bit(defect); }

  void add(Defects others) { bits_ |= others.bits_; }

  bool has(Defect defect) const { return (bits_ & bit(defect)) != 0; }

  bool none() const { return bits_ == 0; }

  bool operator==(const Defects&) const = default;

 private:
  static std::uint32_t bit(Defect defect) { return 1u << static_cast<unsigned>(defect); }

  std::uint32_t bits_ = 0;
};

// `your server ends lines with a bare LF instead of CR LF (RFC 9112, section 2.2)`
std::string_view describe(Defect defect);

// What is known of the defects of all answers so far.
class DefectRecord {
 public:
  struct Entry {
    Defect defect = Defect::EmptyLineBefore;
    std::string request;           // the first one that was answered so: `GET /a`
    std::uint64_t generation = 0;  // the newest backend that answered so
  };

  // Returns the kinds that were not met before. `request`: method and target.
  std::vector<Defect> add(Defects defects, std::string_view request, std::uint64_t generation);

  // One entry for each kind that was met, in the order of their first occurrence.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace hpp::proxyd
