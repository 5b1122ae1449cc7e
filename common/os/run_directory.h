// The run directory of an instance: where its helpers meet.
#pragma once

#include <string>
#include <vector>

#include "common/os/file.h"

namespace hpp {

// Where run directories are: `$XDG_RUNTIME_DIR/hpp`, if that variable names a directory of this
// user; and `/tmp/hpp-<uid>`. They may not exist.
std::vector<std::string> run_directory_roots();

// In the first of the roots: `$XDG_RUNTIME_DIR/hpp/<instance>`.
std::string default_run_directory(const std::string& instance);

// Makes the directory, and its parent, with mode 0700 if they are not there.
// Throws std::runtime_error if the directory belongs to somebody else, if others can enter it, or
// if its path is too long for the sockets in it (108 bytes, unix(7)).
void prepare_run_directory(const std::string& path);

// Whether it is there and nobody else's: what prepare_run_directory would refuse is not to be
// believed.
bool is_private_directory(const std::string& path);

// The file whose lock says that a hpp-launch has the directory.
std::string run_lock_path(const std::string& directory);

// Holds the directory for one hpp-launch, for as long as the result lives. `who` is told to a
// second start: "pid 123, http://localhost:8000".
// Throws std::runtime_error: already running, by whom.
FileLock lock_run_directory(const std::string& directory, const std::string& who);

}  // namespace hpp
