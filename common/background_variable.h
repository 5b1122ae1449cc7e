// The environment variable of an hpp-launch that `hpp-launch --background` has started, and of its
// hpp-supervisord.
#pragma once

namespace hpp {

// In hpp-launch: `FD:NAME`, a pipe to the program that has started it, and the name that its log
// has in the run directory until it holds the directory's lock (launch/background.h). In
// hpp-supervisord: 1, because the backend's output goes to the output log only.
constexpr const char* kBackgroundVariable = "HPP_BACKGROUND";

}  // namespace hpp
