// The environment variable that marks every process of a backend, wherever it went.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// Its value is `<run directory>/<instance id>/<generation>`.
constexpr const char* kBackendTag = "HPP_BACKEND";

// The beginning of the value in every backend of a run directory, which must exist.
// Throws std::runtime_error, as RunDirectory does.
std::string backend_tag_prefix(const std::string& run_directory);

// All living processes of this user that have the tag with a value that begins with `prefix`.
std::vector<pid_t> processes_tagged(std::string_view prefix);

}  // namespace hpp
