// Finds programs that read the same terminal as hpp-launch.
#pragma once

namespace hpp::launch {

// Whether another program of our process group has our terminal as its stdin, such as a server that
// a script has started beside hpp-launch. Such a program must find the terminal in its usual mode.
// Our ancestors (npm, make, a shell's script) do not count: they wait for us.
bool has_rival();

}  // namespace hpp::launch
