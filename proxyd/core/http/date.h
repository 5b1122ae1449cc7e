// Pure. HTTP's dates (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hpp::proxyd {

// `now_ms`: since the Unix epoch.
std::string http_date(std::int64_t now_ms);

// Returns the date in seconds since the Unix epoch, or nothing if the text does not have that
// format. Does not read the two obsolete formats, which servers no longer write.
std::optional<std::int64_t> read_http_date(std::string_view text);

}  // namespace hpp::proxyd
