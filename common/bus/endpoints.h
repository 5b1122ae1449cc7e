// Where the bus lives: one socket and one snapshot file per author in the run directory.
#pragma once

#include <string>

#include "common/bus/messages.h"

namespace hpp::bus {

// `<directory>/<author>.sock`
std::string socket_path(const std::string& directory, Topic topic);

// The same for nng: `ipc://<directory>/<author>.sock`
std::string socket_url(const std::string& directory, Topic topic);

// `<directory>/<author>.lock`: held by the author at work
std::string lock_path(const std::string& directory, Topic topic);

// `<directory>/<author>.json`
std::string snapshot_path(const std::string& directory, Topic topic);

}  // namespace hpp::bus
