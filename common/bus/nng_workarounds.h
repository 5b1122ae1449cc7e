// What nng 1.5.2 (Debian 12's) gets wrong and a program that others may kill cannot live with.
//
// A listener stops accepting for ever when a peer goes in the middle of the handshake (nanomsg/nng
// issue 1518, mended in 1.5.3), as one does that is killed at that moment: its send fails with
// EPIPE, which nng takes for the end of the listener itself. An author would be deaf to every new
// subscriber and not know. nng_workarounds.cc puts a sendmsg(2) in front of libc's, for the whole
// process, that says ECONNRESET instead, which nng takes for what it is. hpp's own
// callers of sendmsg (service_manager.cc, transport.cc) treat both errors alike.
//
// Where it cannot have all its threads (RLIMIT_NPROC, a cgroup's pids.max) it crashes or hangs in
// what was to clean up, before the first socket is open. There is a pthread_create(3) as well,
// which says so and ends the process instead, with kTemporaryFailure.
//
// A message that is sent just when a subscriber goes is lost and never freed: the pipe's aio is
// closed by then, nni_aio_begin refuses it, and ipc_pipe_send returns without a word to its owner.
// Some hundred bytes for a subscriber, and not for each. That cannot be mended from outside;
// LeakSanitizer is told of it.
#pragma once

#include <nng/nng.h>

namespace hpp::bus {

// Closes the socket. nng_close may never return when a peer goes at the same moment (nanomsg/nng
// issue 1813, ipc:// before 1.8), which is what happens when all programs of an instance stop. A
// close that takes too long is left to its thread: the process is about to end. Where no thread can
// be had (RLIMIT_NPROC), the socket is left open. Returns whether it is closed: if it is not, nng's
// threads may still call what the socket was given.
bool close_socket(nng_socket socket);

}  // namespace hpp::bus
