// Uses real sockets and processes.
#include "supervisord/listener_owner.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/os/process_info.h"
#include "tests/support/free_port.h"
#include "tests/support/process_test.h"

namespace hpp::supervisord {
namespace {

class ListenerOwnerTest : public ProcessTest {
 protected:
  Owner owner(std::vector<pid_t> likely, std::vector<pid_t> all) {
    ListenerOwner owners([&] { return likely; }, [&] { return all; });
    return owners.of(address_);
  }

  SocketAddress address_ = resolve({.host = "127.0.0.1", .port = free_port()}).front();
};

TEST_F(ListenerOwnerTest, IsTheTreeIfAProcessOfTheTreeListens) {
  const auto sockets = listen_on({address_});
  EXPECT_EQ(owner({::getpid()}, {}).is, Owner::Is::Tree);
  EXPECT_EQ(owner({}, {::getpid()}).is, Owner::Is::Tree) << "a worker";
}

TEST_F(ListenerOwnerTest, IsAStrangerIfNoProcessOfTheTreeListens) {
  const auto sockets = listen_on({address_});
  const pid_t child = start({"sleep", "1000"}, {});
  EXPECT_TRUE(run_until(loop_, [&] { return has_been_executed(child, ::getpid()); }));
  const Owner found = owner({child}, {child});
  EXPECT_EQ(found.is, Owner::Is::Stranger);
  EXPECT_EQ(found.who, describe_process(::getpid()));
}

TEST_F(ListenerOwnerTest, IsUnknownWithoutAListener) {
  EXPECT_EQ(owner({::getpid()}, {::getpid()}).is, Owner::Is::Unknown);
}

}  // namespace
}  // namespace hpp::supervisord
