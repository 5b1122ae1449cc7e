#include "common/bus/nng_workarounds.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include "common/exit_status.h"
#include "common/log.h"
#include "common/os/error.h"

namespace {

thread_local bool can_do_without_thread = false;

}  // namespace

// The dynamic linker prefers a program's own symbols to those of libc, also for libnng.
extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  const long sent = ::syscall(SYS_sendmsg, fd, message, flags);
  if (sent < 0 && errno == EPIPE) errno = ECONNRESET;
  return sent;
}

#ifdef HPP_SANITIZED
// LeakSanitizer calls this function by its name (sanitizer/lsan_interface.h). nng_send copies the
// bytes that it is given, so only nng's own messages are suppressed, and none of hpp's leaks.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:nng_send\n";
}
#else
// In a sanitizer build, the sanitizer must be the first to replace libc's pthread_create.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*routine)(void*), void* argument) noexcept {
  static const auto real =
      reinterpret_cast<decltype(&::pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  const int error = real(thread, attributes, routine, argument);
  if (error == 0 || can_do_without_thread) return error;
  hpp::log::error("cannot start a thread: {} (see `ulimit -u`, and pids.max of the cgroup)",
                  hpp::error_text(error));
  ::_exit(hpp::kTemporaryFailure);
}
#endif

namespace hpp::bus {
namespace {

// A close normally takes less than a millisecond. hpp exits within a second after Ctrl+C, and a
// program has up to three sockets.
constexpr std::chrono::milliseconds kCloseTime{100};

}  // namespace

bool close_socket(nng_socket socket) {
  std::promise<void> promise;
  const std::future<void> closed = promise.get_future();
  can_do_without_thread = true;
  try {
    std::thread([socket, closing = std::move(promise)]() mutable {
      nng_close(socket);
      closing.set_value();
    }).detach();
  } catch (const std::system_error& error) {
    log::debug("cannot close the bus, because no thread can be started: {}",
               error.code().message());
    can_do_without_thread = false;
    return false;
  }
  can_do_without_thread = false;
  if (closed.wait_for(kCloseTime) == std::future_status::ready) return true;
  log::debug("the bus does not close; exiting without waiting for it");
  return false;
}

}  // namespace hpp::bus
