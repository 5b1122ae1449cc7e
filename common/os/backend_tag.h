// The environment variable that marks every process of a backend, even if its parent has ended.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// The name of a backend that is the only one, as on the bus (messages.h).
constexpr const char* kMainBackend = "main";

// Its value is `<run directory>/<instance id>/<generation>`, or for a backend with another name
// than `main`, `<run directory>/<instance id>.<name>/<generation>`.
constexpr const char* kBackendTag = "HPP_BACKEND";

// Returns the beginning that the values of all generations of the backend `name` share. The values
// of other backends do not begin with it. The run directory must exist. Throws std::runtime_error,
// as RunDirectory does.
std::string backend_tag_prefix(const std::string& run_directory,
                               std::string_view name = kMainBackend);

// Returns all living processes of this user whose tag begins with `prefix`.
std::vector<pid_t> processes_tagged(std::string_view prefix);

}  // namespace hpp
