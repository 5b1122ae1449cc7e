// Shell. Finds out why a script cannot be executed although its file exists.
#pragma once

#include <string>

#include "common/exit_status.h"

namespace hpp::supervisord {

// Returns the program that executes the script `program`; for `#!/usr/bin/env NAME`, NAME. Empty:
// it is no script. See below for the parameters.
std::string interpreter_of(const std::string& program, const std::string& directory);

// If `program` is a script whose first line names an interpreter that cannot be found, returns a
// text that names the interpreter, the reason and the remedy: `its interpreter
// "/usr/bin/python3\r" was not found, because …`. For `#!/usr/bin/env NAME`, the interpreter is
// NAME. Otherwise returns an empty text.
//
// execve(2) fails with ENOENT for such a script, as if the script itself did not exist, and env(1)
// ends with exit code 127.
//
// `program` is the first word of a command; it is looked up in PATH if it has no slash. `directory`
// is the working directory of the command.
std::string interpreter_problem(const std::string& program, const std::string& directory);

// Explains why execve(2) failed with ENOENT although the file of `program` exists: an interpreter
// problem as above, or a missing loader (ELF interpreter). Returns an empty text if the file does
// not exist or has no such problem.
std::string missing_part(const std::string& program, const std::string& directory);

// Explains the end of `program` if that is a script: an interpreter problem as above if `status` is
// exit code 127, with which env(1) and sh(1) report a missing program; for other failures, that the
// interpreter's argument ends in a carriage return, as in `#!/bin/sh -e\r`. Otherwise returns an
// empty text.
std::string end_problem(ExitStatus status, const std::string& program,
                        const std::string& directory);

}  // namespace hpp::supervisord
