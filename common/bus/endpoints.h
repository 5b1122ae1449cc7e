// Where the bus lives: two sockets and one snapshot file per author in the run directory.
#pragma once

#include <string>

#include "common/bus/messages.h"

namespace hpp::bus {

// Who reads a topic. Tickets and their answers come with each request, many times a second: whoever
// asks or answers them gets them from a socket of its own, with all other news, and nobody else is
// woken. The others hear of them with the next news, or within a second.
enum class Audience { Everybody, TicketHandlers };

// `<author>.sock`, `<author>.tickets.sock`
std::string socket_name(Topic topic, Audience audience);

// `<directory>/<socket_name>`
std::string socket_path(const std::string& directory, Topic topic, Audience audience);

// The same for nng: `ipc://<path>`
std::string socket_url(const std::string& directory, Topic topic, Audience audience);

// `<author>.lock`: held by the author at work
std::string lock_name(Topic topic);
std::string lock_path(const std::string& directory, Topic topic);

// `<author>.json`
std::string snapshot_name(Topic topic);
std::string snapshot_path(const std::string& directory, Topic topic);

}  // namespace hpp::bus
