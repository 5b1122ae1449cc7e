// What happens when no memory is left: the program says so in one line and aborts. Its service
// manager then starts it again, which frees what it held. To go on would need a way out of every
// function that allocates.
#pragma once

namespace hpp {

// From now on that holds for libevent's memory and for operator new. Idempotent; every Loop calls
// it first.
void abort_without_memory();

}  // namespace hpp
