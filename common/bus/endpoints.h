// Where the bus lives: one socket and one snapshot file per author in the run directory.
#pragma once

#include <string>

#include "common/bus/messages.h"

namespace hpp::bus {

// `ipc://<directory>/<author>.sock`
std::string socket_url(const std::string& directory, Topic topic);

// `<directory>/<author>.json`
std::string snapshot_path(const std::string& directory, Topic topic);

}  // namespace hpp::bus
