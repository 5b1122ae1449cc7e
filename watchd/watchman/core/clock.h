// Pure. Compares Watchman's clocks. A clock is `c:STARTED:PID:ROOT:TICK`. The tick grows with each
// batch of changes. The other fields identify the Watchman process and its crawl of the root; ticks
// are comparable only if those are equal.
// Source: https://facebook.github.io/watchman/docs/clockspec, and Watchman's own clockspec.cpp.
#pragma once

#include <string_view>

namespace hpp::watchd::watchman {

// Returns whether `clock` is not later than `known`. False if the two belong to different Watchman
// processes or crawls, or if one of them has an unknown form.
bool is_known(std::string_view clock, std::string_view known);

}  // namespace hpp::watchd::watchman
