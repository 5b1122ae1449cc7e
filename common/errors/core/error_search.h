// Pure. Finds the error that explains why a program has failed, in the end of its output.
//
// Interpreters and runtimes (Python, Node, Ruby, PHP, Java, Go, Rust, C) print an error and the
// calls that led to it. Compilers (gcc, clang, javac, go, rustc, tsc, esbuild, Rolldown) print many
// errors, of which the first usually causes the others. error_readers.h reads both.
//
//   the last error of a runtime    if one of its frames is in the project
//   else the first compiler error  a build tool fails with a stack of its own, which says nothing
//   else that runtime's error      for example a missing module
//   else the last plain message    `CommandError: …`, `fatal: …`
//
// The place of an error is its innermost frame in the project. If there is none, it is the
// innermost frame whose file has a path.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "common/bus/messages.h"
#include "common/errors/core/source_place.h"

namespace hpp::errors {

constexpr std::size_t kErrorMessageMax = 500;  // bytes of a message; the rest is in the output

// `output` may be cut off anywhere, and may contain colours and any other bytes. `roots` must begin
// with the project folder. Returns nothing if the output names no error.
std::optional<bus::BackendError> find_error(std::string_view output,
                                            const std::vector<SourceRoot>& roots);

}  // namespace hpp::errors
