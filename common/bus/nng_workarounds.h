// Workarounds for errors of nng 1.5.2 (Debian 12) that a program cannot live with if its peers may
// be killed at any time.
//
// A listener never accepts again if a peer ends in the middle of the handshake (nanomsg/nng
// issue 1518, fixed in 1.5.3): its send fails with EPIPE, which nng takes for the end of the
// listener. An author would then get no new subscribers, without an error. nng_workarounds.cc
// replaces libc's sendmsg(2) in the whole process: it reports ECONNRESET instead, which nng handles
// as the end of the connection. hpp's own callers of sendmsg (service_manager.cc, transport.cc)
// treat both errors alike.
//
// If nng cannot start all its threads (RLIMIT_NPROC, a cgroup's pids.max), it crashes or hangs
// while it cleans up, before the first socket is open. nng_workarounds.cc replaces
// pthread_create(3), too: it logs an error and ends the process with kTemporaryFailure.
//
// A message that is sent just when a subscriber ends is lost and never freed: the aio of its pipe
// is closed by then, nni_aio_begin refuses it, and ipc_pipe_send returns without an error to the
// owner of the message. That leaks some hundred bytes, only for some subscribers. There is no
// workaround; LeakSanitizer is told to ignore it.
#pragma once

#include <nng/nng.h>

namespace hpp::bus {

// Closes the socket. nng_close may never return if a peer ends at the same moment (nanomsg/nng
// issue 1813, ipc:// before 1.8), which happens when all programs of an instance stop. So the close
// runs on a thread of its own and is abandoned if it takes too long, because the process is about
// to exit. If no thread can be started (RLIMIT_NPROC), the socket stays open. Returns whether the
// socket is closed. If it is not, nng's threads may still call the callbacks of the socket.
bool close_socket(nng_socket socket);

}  // namespace hpp::bus
