// The names of an author's files in the run directory, and of its descriptors in the service
// manager's store. An author has two sockets, a lock and a snapshot file. Their names begin with
// the helper's name, and for authors other than `main` (messages.h) with `<helper>@<author>`:
// `supervisord.json`, `supervisord@api.json`.
#pragma once

#include <string>
#include <string_view>

#include "common/bus/messages.h"

namespace hpp::bus {

// The readers of an author's socket. Tickets and their answers are published many times a second,
// with the requests. The programs that ask or answer them read all news from a socket of their own,
// so that the other programs are not woken; those receive the tickets with the next other news.
enum class Audience { Everybody, TicketHandlers };

// `supervisord.sock`, `supervisord.tickets.sock`
std::string socket_name(const AuthorId& author, Audience audience);

// `<directory>/<socket_name>`. Throws std::runtime_error if a socket cannot have such a long path
// (unix(7)). RunDirectory refuses a directory whose path is too long for the main authors.
std::string socket_path(const std::string& directory, const AuthorId& author, Audience audience);

// Returns the path as nng's URL: `ipc://<path>`. Throws like socket_path().
std::string socket_url(const std::string& directory, const AuthorId& author, Audience audience);

// `supervisord.lock`: the running author holds this lock.
std::string lock_name(const AuthorId& author);
std::string lock_path(const std::string& directory, const AuthorId& author);

// `supervisord.json`
std::string snapshot_name(const AuthorId& author);
std::string snapshot_path(const std::string& directory, const AuthorId& author);

// The output log (output_record.h) of the topic `backend`'s author. When `supervisord.log` is full,
// it becomes `supervisord.old.log`, in place of an earlier one.
std::string output_log_name(const AuthorId& author);
std::string old_output_log_name(const AuthorId& author);

// The name of a descriptor in the service manager's store, where `what` tells the author's
// descriptors apart: `backend-socket`, `backend.api-socket`. `what` must not contain a colon.
std::string stored_name(const AuthorId& author, std::string_view what);

}  // namespace hpp::bus
