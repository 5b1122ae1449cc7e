// Pure. Writes a kept request (kept_request.h) as a command line for curl(1) that sends the same
// request: people paste it into a terminal, and change it.
//
// curl(1) would change some requests. The command line has an option against each change:
//
//   brackets and braces in a URL are patterns        --globoff
//   a fragment and the segments `.` and `..` are     --request-target
//   removed, and a target may not be `*`
//   curl adds Accept, User-Agent and Content-Type    --header 'Accept:', which removes the field
//   a HEAD has no body                               --request HEAD, with options that keep curl
//                                                    from waiting for the body of the answer
//
// Bytes that a terminal would obey, and those that are not ASCII, are written by printf(1).
#pragma once

#include <string>

#include "proxyd/core/kept_request.h"

namespace hpp::proxyd {

// Returns a command line for a POSIX shell. `url`: `http://localhost:8000`, without a path. The
// request must be one that can be sent.
std::string curl_command(const KeptRequest& request, const std::string& url);

}  // namespace hpp::proxyd
