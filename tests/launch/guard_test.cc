#include "launch/guard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/os/backend_tag.h"
#include "tests/support/temporary_directory.h"

namespace hpp::launch {
namespace {

// Repeated, because the guard sometimes runs before the constructor of Guard returns.
TEST(Guard, HasItsOwnProcessGroupAtOnce) {
  const TemporaryDirectory directory;
  const std::string tag_prefix = backend_tag_prefix(directory.path());
  const BuildDaemons none(tag_prefix, {});
  for (int i = 0; i < 50; ++i) {
    const Guard guard(directory.path(), tag_prefix, none, std::chrono::milliseconds{0});
    ASSERT_EQ(::getpgid(guard.pid()), guard.pid());
  }
}

}  // namespace
}  // namespace hpp::launch
