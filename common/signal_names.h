// Pure. The names of signals. glibc has functions for them, other C libraries have none.
#pragma once

#include <string>
#include <string_view>

namespace hpp {

// Returns the name of a signal without `SIG`, such as `TERM`; empty: it has none (a real-time
// signal, or no signal). Valid forever.
std::string_view signal_name(int number);

// Returns the number of a signal, from `TERM` or `SIGTERM` in upper or lower case; 0: there is no
// such signal.
int signal_number(std::string text);

}  // namespace hpp
