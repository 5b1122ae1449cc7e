#include "common/os/limits.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cerrno>

namespace hpp {
namespace {

constexpr int kFreedMemoryMax = 8 * 1024 * 1024;  // bytes
// Larger allocations are mapped and unmapped each time.
constexpr int kMappedMin = 1024 * 1024;  // bytes

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string shortage_text(int error) {
  switch (error) {
    case EMFILE: {
      rlimit limit{};
      ::getrlimit(RLIMIT_NOFILE, &limit);
      return fmt::format(
          "this process has no file descriptor left (its limit is {}). Raise the limit (ulimit -n, "
          "or LimitNOFILE= in a systemd unit) and start hpp again",
          limit.rlim_cur);
    }
    case ENFILE:
      return "this machine has no file descriptor left. Raise the limit (sysctl fs.file-max), or "
             "end a program that has many files open";
    case ENOBUFS:
    case ENOMEM:
      return "the kernel has no memory left for another connection. End a program that uses much "
             "memory";
    default:
      return "";
  }
}

void keep_freed_memory() {
#ifdef __GLIBC__
  ::mallopt(M_TRIM_THRESHOLD, kFreedMemoryMax);
  ::mallopt(M_MMAP_THRESHOLD, kMappedMin);
#endif
}

}  // namespace hpp
