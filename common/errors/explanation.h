// Shell. Explains a failure: finds the error in the output, and reads the source lines around it.
//
// The file is read when the error occurs, so that the lines are those that failed, even if the
// developer goes on typing. Only a file in the project folder or a directory of --root is read, and
// no link that leads out of it is followed, because the output may name any file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bus/messages.h"

namespace hpp::errors {

// A larger file is not read.
constexpr std::size_t kSourceFileMax = 2 * 1024 * 1024;  // bytes

// `output` is the end of a program's output, `directory` the path of the project folder, in which
// the program ran, and `roots` are the further directories with files of the project (--root).
// Returns nothing if the output names no error. Never throws.
std::optional<bus::BackendError> explain(std::string_view output, const std::string& directory,
                                         const std::vector<std::string>& roots);

}  // namespace hpp::errors
