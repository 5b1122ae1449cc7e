// The names of an author's files in the run directory, and of its descriptors in the service
// manager's store. An author has two sockets, a lock and a snapshot file. Their names begin with
// the helper's name, and for authors other than `main` (messages.h) with `<helper>@<author>`:
// `supervisord.json`, `supervisord@api.json`.
#pragma once

#include <string>
#include <string_view>

#include "common/bus/messages.h"

namespace hpp::bus {

// Who reads a topic. Tickets and their answers come with each request, many times a second: whoever
// asks or answers them gets them from a socket of its own, with all other news, and nobody else is
// woken. The others hear of them with the next news, or within a second.
enum class Audience { Everybody, TicketHandlers };

// `supervisord.sock`, `supervisord.tickets.sock`
std::string socket_name(const AuthorId& author, Audience audience);

// `<directory>/<socket_name>`. Throws std::runtime_error if a socket cannot have such a long path
// (unix(7)). RunDirectory refuses a directory whose path is too long for the main authors.
std::string socket_path(const std::string& directory, const AuthorId& author, Audience audience);

// The same for nng: `ipc://<path>`
std::string socket_url(const std::string& directory, const AuthorId& author, Audience audience);

// `supervisord.lock`: held by the author at work
std::string lock_name(const AuthorId& author);
std::string lock_path(const std::string& directory, const AuthorId& author);

// `supervisord.json`
std::string snapshot_name(const AuthorId& author);
std::string snapshot_path(const std::string& directory, const AuthorId& author);

// The name of a descriptor in the service manager's store, where `what` tells the author's
// descriptors apart: `backend-socket`, `backend.api-socket`. `what` must not contain a colon.
std::string stored_name(const AuthorId& author, std::string_view what);

}  // namespace hpp::bus
