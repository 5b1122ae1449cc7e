#include "common/bus/nng_workarounds.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include "common/log.h"

// The dynamic linker finds a program's own symbols before libc's, for libnng too.
extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  const long sent = ::syscall(SYS_sendmsg, fd, message, flags);
  if (sent < 0 && errno == EPIPE) errno = ECONNRESET;
  return sent;
}

namespace hpp::bus {
namespace {

// A close takes less than a millisecond. Ctrl+C promises an end within a second, and a program
// has two sockets.
constexpr std::chrono::milliseconds kCloseTime{100};

}  // namespace

void close_socket(nng_socket socket) {
  std::promise<void> promise;
  const std::future<void> closed = promise.get_future();
  try {
    std::thread([socket, closing = std::move(promise)]() mutable {
      nng_close(socket);
      closing.set_value();
    }).detach();
  } catch (const std::system_error& error) {
    return log::debug("the bus stays open, there is no thread to close it: {}",
                      error.code().message());
  }
  if (closed.wait_for(kCloseTime) != std::future_status::ready) {
    log::debug("the bus does not close: leaving it");
  }
}

}  // namespace hpp::bus
