// Pure. A crash of the backend (crash.h) as JSON, for hpp's scripts in browsers.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/bus/messages.h"

namespace hpp::proxyd {

// Returns the description of a failed backend: `how`, `title`, `command`, `output`, `parts`
// (output_parts), `report`, and `error` with its source; null if the output names none.
nlohmann::json crash_json(const bus::BackendState& backend);

}  // namespace hpp::proxyd
