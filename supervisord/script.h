// Shell. Finds out why a script cannot be executed although its file exists.
#pragma once

#include <string>

#include "common/exit_status.h"

namespace hpp::supervisord {

// If `program` is a script whose first line names an interpreter that cannot be found, says which
// one, why, and what to do: `its interpreter "/usr/bin/python3\r" was not found, because …`.
// `#!/usr/bin/env NAME` is looked into. Otherwise returns an empty text.
//
// execve(2) reports such a script as ENOENT, as if the script itself did not exist, and env(1) ends
// with exit code 127.
//
// `program`: the first word of a command; looked up in PATH if it has no slash. `directory`: where
// the command is started.
std::string interpreter_problem(const std::string& program, const std::string& directory);

// Why execve(2) may have said ENOENT although the file of `program` exists: the above, or a program
// whose loader (its ELF interpreter) is missing. Empty: there is no such file.
std::string missing_part(const std::string& program, const std::string& directory);

// Why a command has ended, if its exit status does not explain it: the interpreter was not found.
std::string end_problem(ExitStatus status, const std::string& program,
                        const std::string& directory);

}  // namespace hpp::supervisord
