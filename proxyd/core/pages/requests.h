// Pure. What `/__hpp/` says about the kept requests (request_records.h), as JSON.
#pragma once

#include <cstdint>
#include <string>

#include "common/time_point.h"
#include "proxyd/core/request_records.h"

namespace hpp::proxyd {

// The same moment on both clocks (clock.h).
struct Moment {
  std::int64_t wall_ms = 0;
  TimePoint steady{};
};

// One line for each request, the newest first, without fields and bodies.
std::string requests_json(const RequestRecords& records, const Moment& now);

// One request with its fields, its body, its answer and a command line for curl(1), which is empty
// if the request cannot be sent again. `url`: `http://localhost:8000`. U+FFFD replaces the bytes
// that are not UTF-8, but the command line has all bytes.
std::string request_json(const RequestRecord& record, const Moment& now, const std::string& url);

// All requests as an HTTP Archive, for a browser's developer tools and other programs
// (HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/). A body is text if it is UTF-8, and
// base64 otherwise. A body with a Content-Encoding stays encoded, in base64; a comment says so, or
// why there is no body.
std::string requests_har(const RequestRecords& records, const Moment& now, const std::string& url);

}  // namespace hpp::proxyd
