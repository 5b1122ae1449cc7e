#include "common/event/memory.h"

#include <event2/event.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <string_view>

namespace hpp {
namespace {

iovec piece(std::string_view text) {
  return {.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
}

// Does not use the log, which allocates. If stderr cannot take the line at once, the line is lost.
[[noreturn]] void out_of_memory() {
  const iovec line[] = {piece(::program_invocation_short_name),
                        piece(": error: out of memory (see `ulimit -v`, and memory.max of the "
                              "cgroup)\n")};
  pollfd room{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&room, 1, 0) == 1) {
    [[maybe_unused]] const auto written = ::writev(STDERR_FILENO, line, std::size(line));
  }
  std::abort();
}

void* allocate(std::size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr && size != 0) out_of_memory();
  return memory;
}

void* reallocate(void* old, std::size_t size) {
  void* const memory = std::realloc(old, size);
  if (memory == nullptr && size != 0) out_of_memory();
  return memory;
}

}  // namespace

void abort_without_memory() {
  [[maybe_unused]] static const bool once = [] {
    ::event_set_mem_functions(&allocate, &reallocate, &std::free);
    std::set_new_handler(&out_of_memory);
    return true;
  }();
}

}  // namespace hpp
