// Pure. The answers that the proxy gives itself, put into HTTP: one place says what is true of all.
#pragma once

#include <string>
#include <string_view>

#include "proxyd/core/http_head.h"
#include "proxyd/core/own_endpoints.h"

namespace hpp::proxyd {

// An answer, ready to be sent. It always says `Connection: close` and is never kept. A HEAD request
// gets the head alone. `type`: a media type.
std::string write_own(int status, std::string_view type, std::string_view body,
                      const RequestFacts& request);

// What that endpoint has to say.
std::string write_endpoint(OwnEndpoint endpoint, const RequestFacts& request);

}  // namespace hpp::proxyd
