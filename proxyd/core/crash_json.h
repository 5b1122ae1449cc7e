// Pure. A crash of the backend (crash.h) as JSON, for hpp's scripts in browsers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/bus/messages.h"

namespace hpp::proxyd {

// The facts about a failure that proxyd knows, but supervisord does not.
struct FailureNotes {
  std::string requests = {};  // the requests that made the backend crash (crash_requests.h)
  std::string editor = {};  // the target of the button for the editor (editor.h); empty: no button

  bool operator==(const FailureNotes&) const = default;
};

// Returns the description of a failed backend: `how`, `title`, `request` (null: it had none),
// `command`, `output`, `parts` (output_parts), `report`, and `error` with its source; null if the
// output names none. `editor` is left out, because only clients of this machine may get it.
nlohmann::json crash_json(const bus::BackendState& backend, const std::string& requests);

// Returns the requests that made the backend crash: `GET /x`; null if it failed for another reason.
nlohmann::json crash_request_json(const bus::BackendState& backend, const std::string& requests);

}  // namespace hpp::proxyd
