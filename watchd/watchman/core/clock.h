// Pure. Watchman's clocks: `c:STARTED:PID:ROOT:TICK`, of which the tick grows with each batch of
// changes and the rest says which ticks those are: of which Watchman, of which of its crawls.
// Source: https://facebook.github.io/watchman/docs/clockspec, and Watchman's own clockspec.cpp.
#pragma once

#include <string_view>

namespace hpp::watchd::watchman {

// Whether who knows all up to `known` knows what happened at `clock`. No if the two are of
// different Watchmen or crawls, or if one of them is of a form that we have never seen.
bool is_known(std::string_view clock, std::string_view known);

}  // namespace hpp::watchd::watchman
