// Pure. Prevents a browser from showing an old page because of an ambiguous date.
//
// Last-Modified has a resolution of one second. If a file is saved, requested, and saved again
// within one second, both copies have the same date. The browser's If-Modified-Since then gets a
// 304, and every later reload shows the first copy. Two rules prevent that:
//
//   an answer   loses Last-Modified if the second that it names was not over when the request was
//               forwarded: a later save in that second would get the same date (RFC 9110 §8.8.2.2
//               calls such a date a weak validator). The next reload is then unconditional, and
//               gets a date that is safe to keep.
//   a request   loses If-Modified-Since if hpp saw a change less than two seconds before the
//               request arrived, or after. This is for copies that the browser got before hpp was
//               started: their dates did not pass the first rule.
//
// Neither rule applies if there is an entity tag (ETag, If-None-Match): a server that has both uses
// the tag (RFC 9110 §13.1.3).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/time_point.h"
#include "proxyd/core/http/response_parser.h"

namespace hpp::proxyd {

constexpr std::chrono::milliseconds kDateUnreliableFor{2000};

// Whether If-Modified-Since in a request that arrived at `arrived_at` could get a wrong 304.
// `changed_at`: when hpp saw the newest change; nothing: there was no change.
bool is_date_unreliable(std::optional<TimePoint> changed_at, TimePoint arrived_at);

// Removes If-Modified-Since from a head that write_request_head() has written, unless the head has
// If-None-Match.
void remove_date_condition(std::string& head);

// Whether the answer must lose Last-Modified. `forwarded_at_ms`: since the Unix epoch.
bool has_weak_date(const ResponseHead& head, std::int64_t forwarded_at_ms);

// Returns the head without Last-Modified.
ResponseHead without_date(ResponseHead head);

}  // namespace hpp::proxyd
