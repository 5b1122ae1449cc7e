// Workarounds for errors of nng 1.5.2 (Debian 12) that a program cannot live with if its peers may
// be killed at any time. All are fixed in nng 1.10 (Debian 13), where they have no effect: its
// source was read, and the second one was tried with nng 1.10.0 and 1.12.4.
//
// A listener never accepts again if a peer ends in the middle of the handshake (nanomsg/nng
// issue 1518, fixed in 1.6): its send fails with EPIPE, which nng takes for the end of the
// listener. An author would then get no new subscribers, without an error. nng_workarounds.cc
// replaces libc's sendmsg(2) in the whole process: it reports ECONNRESET instead, which nng handles
// as the end of the connection. hpp's own callers of sendmsg (service_manager.cc, transport.cc)
// treat both errors alike.
//
// If nng cannot start all its threads (RLIMIT_NPROC, a cgroup's pids.max), it crashes or hangs
// while it cleans up, before the first socket is open. Newer releases return an error.
// nng_workarounds.cc replaces pthread_create(3), too: it logs an error that names the limits, and
// ends the process with kTemporaryFailure.
//
// A message that is sent just when a subscriber ends is lost and never freed (issue 1713, fixed in
// 1.6). That leaks some hundred bytes, only for some subscribers. There is no workaround;
// LeakSanitizer has a suppression for it.
#pragma once

#include <nng/nng.h>

namespace hpp::bus {

// Closes the socket. nng_close may never return if a peer ends at the same moment (nanomsg/nng
// issue 1813, fixed in 1.9), which happens when all programs of an instance stop. So the close
// runs on a thread of its own and is abandoned if it takes too long, because the process is about
// to exit. If no thread can be started (RLIMIT_NPROC), the socket stays open. Returns whether the
// socket is closed. If it is not, nng's threads may still call the callbacks of the socket.
bool close_socket(nng_socket socket);

}  // namespace hpp::bus
