// Pure. Describes a crash of the backend, for the error page and for the overlay in an open page.
#pragma once

#include <string>
#include <string_view>

#include "common/bus/messages.h"

namespace hpp::proxyd {

// Returns `it ended with exit code 1`, or a similar clause, for a backend in Error.
std::string how_it_ended(const bus::BackendState& backend);

// Returns the backend's last output, without empty lines at the end, and without the first line if
// the size limit may have cut it. Points into `backend`.
std::string_view whole_lines(const bus::BackendState& backend);

}  // namespace hpp::proxyd
