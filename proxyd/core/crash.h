// Pure. Describes a crash of the backend, for the error page and for the overlay in an open page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/bus/messages.h"

namespace hpp::proxyd {

// Whether the backend is in Error, or a build beside the running backend has failed
// (--keep-last-good).
bool has_failed(const bus::BackendState& backend);

// Returns `it ended with exit code 1`, or a similar clause, for a backend in Error.
std::string how_it_ended(const bus::BackendState& backend);

// Returns `trying again in 1 s (1 of 2)` or `gave up after 2 tries` after a crash with --retry;
// else empty.
std::string retry_text(const bus::BackendState& backend);

// Returns what starts the backend again: `Save a file and hpp starts your server again.`
std::string what_next(const bus::BackendState& backend);

// Returns the backend's last output, without empty lines at the end, and without the first line if
// the size limit may have cut it. Points into `backend`.
std::string_view whole_lines(const bus::BackendState& backend);

struct SourceLine {
  std::uint64_t number = 0;
  std::string_view text;  // points into the error
  bool is_error = false;  // the error is in this line

  bool operator==(const SourceLine&) const = default;
};

// Returns the lines of the source around the error; none if they are not known.
std::vector<SourceLine> source_lines(const bus::BackendError& error);

// Returns the lines with their numbers and a mark, for a text: `> 12 | return x`.
std::string source_text(const bus::BackendError& error);

// A part of the output that is shown as one piece.
struct OutputPart {
  std::string_view text;  // whole lines, without the last newline; points into the backend
  std::size_t lines = 1;
  bool is_foreign = false;  // calls in libraries and the runtime, which pages fold

  bool operator==(const OutputPart&) const = default;
};

// Returns whole_lines() in parts. Consecutive foreign frames of the error are one part.
std::vector<OutputPart> output_parts(const bus::BackendState& backend);

// Returns a headline for the failure: `The build failed`, `Port 8001 is in use`. `requests` are
// those that the backend had when it crashed (crash_requests.h): `Your server crashed while it
// handled GET /x`.
std::string failure_title(const bus::BackendState& backend, const std::string& requests = "");

// Describes the failure completely for a developer who does not see this machine, or for an AI
// assistant: error, source, command, change and output.
std::string failure_report(const bus::BackendState& backend, const std::string& requests = "");

// Returns the reason of the failure for programs: `crashed`, `build_failed`.
std::string_view failure_name(const bus::BackendState& backend);

}  // namespace hpp::proxyd
