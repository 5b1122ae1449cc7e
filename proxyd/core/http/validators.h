// Pure. Keeps a browser from showing an old page because of a date.
//
// Last-Modified has a resolution of one second. If a file is saved, asked for, and saved again
// within one second, both copies have the same date. The browser's If-Modified-Since then gets a
// 304, and the reload shows the first copy, no matter how much later it comes. Two rules prevent
// that:
//
//   an answer   goes without Last-Modified if the second that it names was not over when its
//               request was forwarded: a later save in that second could not be told from this
//               copy (RFC 9110 §8.8.2.2 calls such a date a weak validator). The next reload asks
//               without a condition, and gets a date that it can keep.
//   a request   goes without If-Modified-Since if hpp heard of a change in the two seconds before
//               the request arrived, or since then. This is for the copies that a browser already
//               had when hpp was started: no answer of theirs has passed here.
//
// Neither applies if there is an entity tag (ETag, If-None-Match): a server that has both goes by
// the tag (RFC 9110 §13.1.3).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "proxyd/core/http/response_parser.h"

namespace hpp::proxyd {

constexpr std::chrono::milliseconds kDateDoubt{2000};

// Whether an If-Modified-Since in a request that arrived at `arrived_at` could get a wrong 304.
// `changed_at`: when the newest change was heard of; nothing: there was none.
bool is_date_doubtful(std::optional<std::chrono::steady_clock::time_point> changed_at,
                      std::chrono::steady_clock::time_point arrived_at);

// Removes If-Modified-Since from a request as the proxy has written it, unless it has
// If-None-Match.
void remove_date_condition(std::string& head);

// Whether Last-Modified must not reach the client. `forwarded_at_ms`: since the Unix epoch.
bool has_weak_date(const ResponseHead& head, std::int64_t forwarded_at_ms);

ResponseHead without_date(ResponseHead head);

}  // namespace hpp::proxyd
