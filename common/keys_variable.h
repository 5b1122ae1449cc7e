// The environment variable by which hpp-launch tells hpp-supervisord that it reads keys.
#pragma once

namespace hpp {

constexpr const char* kKeysVariable = "HPP_KEYS";

}  // namespace hpp
