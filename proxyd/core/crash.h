// Pure. What a crash of the backend is told with, on the error page and over a page that is open.
#pragma once

#include <string>
#include <string_view>

#include "common/bus/messages.h"

namespace hpp::proxyd {

// `it ended with exit code 1`. Of a backend in Error.
std::string how_it_ended(const bus::BackendState& backend);

// Its last output, without the line that its limit has cut in the middle and without empty
// lines at the end. Points into `backend`.
std::string_view whole_lines(const bus::BackendState& backend);

}  // namespace hpp::proxyd
