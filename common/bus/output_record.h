// Pure. One record of the output log: a line that the backend, its build or hpp has printed.
//
// supervisord writes the log (supervisord/output_log.h), `hpp-ctl log` reads it. A record is a line
// of JSON, so that a reader can pass over a line that a crash has cut. The names in the JSON are
// those of the members.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hpp::bus {

enum class OutputStream {
  Stdout,  // the backend's stdout, and its stderr if both are the same terminal
  Stderr,  // the backend's stderr
  Build,   // both streams of --build
  Hpp,     // what hpp says about the backend
};

std::string_view to_string(OutputStream stream);  // `stdout`

struct OutputRecord {
  std::int64_t at_ms = 0;        // when it was printed
  std::uint64_t generation = 0;  // number of the backend that ran then; 0: none had been started
  OutputStream stream = OutputStream::Stdout;
  std::string text;  // without the newline; may contain escape sequences

  bool operator==(const OutputRecord&) const = default;
};

// Returns the record as a line, with its newline. Bytes of `text` that are not UTF-8 become U+FFFD.
std::string write_record(const OutputRecord& record);

// Returns nothing if the line is not a record.
std::optional<OutputRecord> read_record(std::string_view line);

}  // namespace hpp::bus
