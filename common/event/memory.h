// Makes a program print one line and abort when no memory is left.
//
// Its service manager then starts it again, which frees the memory that the program used. To
// continue instead, every function that allocates would have to handle the error.
#pragma once

namespace hpp {

// Makes failed allocations of libevent and of operator new abort the program. May be called more
// than once; every Loop calls it first.
void abort_without_memory();

}  // namespace hpp
