#include "common/os/limits.h"

#include <malloc.h>
#include <sys/resource.h>

namespace hpp {
namespace {

constexpr int kFreedMemoryMax = 8 * 1024 * 1024;  // bytes
// What is larger is mapped and unmapped each time.
constexpr int kMappedMin = 1024 * 1024;  // bytes

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void keep_freed_memory() {
  ::mallopt(M_TRIM_THRESHOLD, kFreedMemoryMax);
  ::mallopt(M_MMAP_THRESHOLD, kMappedMin);
}

}  // namespace hpp
