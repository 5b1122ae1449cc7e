// The environment variable that marks every process of a backend, even if its parent has ended.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// Its value is `<run directory>/<instance id>/<generation>`.
constexpr const char* kBackendTag = "HPP_BACKEND";

// Returns the beginning that the values of all backends of a run directory share. The directory
// must exist. Throws std::runtime_error, as RunDirectory does.
std::string backend_tag_prefix(const std::string& run_directory);

// Returns all living processes of this user whose tag begins with `prefix`.
std::vector<pid_t> processes_tagged(std::string_view prefix);

}  // namespace hpp
