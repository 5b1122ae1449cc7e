// Pure. Hints on the command that starts the server: a reloader of its own, a port that is not that
// of BACKEND.
#pragma once

#include <string>
#include <vector>

#include "common/address.h"

namespace hpp::advice {

// Returns a hint if the command restarts the server by itself when a file changes (`runserver`
// without `--noreload`, `uvicorn --reload`, nodemon, …); empty if it does not, as far as known.
// Package managers, interpreters and variables before the program are skipped.
std::string reloader_hint(const std::vector<std::string>& command);

// Returns a hint if the command contains the port of `bind`, but not that of `backend`: the two are
// probably swapped. Empty otherwise.
std::string swapped_ports_hint(const Address& bind, const Address& backend,
                               const std::vector<std::string>& command);

}  // namespace hpp::advice
