// Pure. The violations of RFC 9112 that hpp tolerates in a backend's answer.
//
// hpp accepts a defective answer if it can only be understood in one way: RFC 9112 defines how, or
// nginx and HAProxy agree on it. hpp writes every head itself, so the client always gets a valid
// answer. Each kind of defect is reported once per run in the log, and on `/__hpp/`, because
// another program that reads the backend's answers may be less tolerant.
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
  StatusLine,           // missing or extra blanks, or a version other than HTTP/1.x
  BareLineFeed,         // a line of a head, or of chunked coding, ends with LF alone
  Folded,               // a header that continues on the next line
  BlankBeforeColon,     // `Content-Length : 5`
  ControlCharacter,     // a control character in a header's value or in the reason phrase
  LengthWithChunked,    // both Content-Length and Transfer-Encoding
  RepeatedLength,       // Content-Length several times, always with the same value
  OddTransferEncoding,  // Transfer-Encoding has empty elements, or is empty
  ChunkedInHttp10,      // Transfer-Encoding in an HTTP/1.0 answer
  ChunkLine,            // blanks or a malformed extension after a chunk's size
  Trailers,             // a field in the trailers that is only allowed in the head
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

// The defects of all answers so far.
class DefectRecord {
 public:
  struct Entry {
    Defect defect = Defect::EmptyLineBefore;
    std::string request;           // the first request whose answer had the defect: `GET /a`
    std::uint64_t generation = 0;  // the newest backend that sent such an answer
  };

  // Records the defects of one answer. Returns the kinds that no earlier answer had. `request`:
  // method and target.
  std::vector<Defect> add(Defects defects, std::string_view request, std::uint64_t generation);

  // One entry for each kind so far, in the order of their first occurrence.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace hpp::proxyd
