#include "proxyd/core/http/answer_defects.h"

#include <algorithm>

namespace hpp::proxyd {

std::string_view describe(Defect defect) {
  switch (defect) {
    case Defect::EmptyLineBefore:
      return "your server sends an empty line before the status line (RFC 9112, section 4)";
    case Defect::StatusLine:
      return "your server's status line is not of the form 'HTTP/1.1 200 OK' (RFC 9112, section 4)";
    case Defect::BareLineFeed:
      return "your server ends header or chunk lines with a bare LF instead of CR LF (RFC 9112, "
             "section 2.2)";
    case Defect::Folded:
      return "your server folds a header over several lines (RFC 9112, section 5.2)";
    case Defect::BlankBeforeColon:
      return "your server puts a blank before a header's colon (RFC 9112, section 5.1)";
    case Defect::ControlCharacter:
      return "your server sends control characters in a header or in the reason phrase (RFC 9110, "
             "section 5.5)";
    case Defect::LengthWithChunked:
      return "your server sends Content-Length together with Transfer-Encoding (RFC 9112, section "
             "6.2)";
    case Defect::RepeatedLength:
      return "your server sends Content-Length more than once (RFC 9110, section 8.6)";
    case Defect::OddTransferEncoding:
      return "your server sends a Transfer-Encoding with empty elements (RFC 9110, section 5.6.1)";
    case Defect::ChunkedInHttp10:
      return "your server sends Transfer-Encoding in an HTTP/1.0 answer (RFC 9112, section 6.1)";
    case Defect::ChunkLine:
      return "your server sends blanks or a malformed extension behind a chunk's size (RFC 9112, "
             "section 7.1)";
    case Defect::Trailers:
      return "your server sends Content-Length or Transfer-Encoding as a trailer (RFC 9110, "
             "section 6.5.1)";
  }
  return "";
}

std::vector<Defect> DefectRecord::add(Defects defects, std::string_view request,
                                      std::uint64_t generation) {
  std::vector<Defect> fresh;
  if (defects.none()) return fresh;
  for (std::size_t kind = 0; kind < kDefectKinds; ++kind) {
    const auto defect = static_cast<Defect>(kind);
    if (!defects.has(defect)) continue;
    const auto known = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.defect == defect; });
    if (known != entries_.end()) {
      known->generation = generation;
      continue;
    }
    entries_.push_back(
        {.defect = defect, .request = std::string(request), .generation = generation});
    fresh.push_back(defect);
  }
  return fresh;
}

}  // namespace hpp::proxyd
