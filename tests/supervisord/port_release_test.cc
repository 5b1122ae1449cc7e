#include "supervisord/port_release.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/os/socket_address.h"
#include "tests/support/run_until.h"

namespace hpp::supervisord {
namespace {

class PortReleaseTest : public testing::TestWithParam<const char*> {
 protected:
  // A connection whose server's end is closed, as by the death of the server.
  void SetUp() override {
    auto listening = std::move(listen_on(resolve({.host = GetParam(), .port = 0}))[0]);
    address_ = local_address(listening.get());
    ConnectAttempt attempt = start_connect(*address_);
    ASSERT_EQ(attempt.error, 0);
    client_ = std::move(attempt.fd);
    pollfd ready{.fd = listening.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
    server_.reset(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(server_.is_open());
  }

  // The kernel may be a little behind with what we have closed.
  bool counts(std::size_t expected) {
    return run_until(loop_, [&] { return orphaned_connections(address_->port()) == expected; });
  }

  void reset_client() {
    reset_on_close(client_.get());
    client_.reset();
  }

  Loop loop_{Loop::Timers::Precise};
  std::optional<SocketAddress> address_;
  UniqueFd client_;
  UniqueFd server_;
};

TEST_P(PortReleaseTest, CountsWhatADeadServerLeaves) {
  EXPECT_EQ(orphaned_connections(address_->port()), 0U) << "it lives";
  server_.reset();
  EXPECT_TRUE(counts(1));
  reset_client();
  EXPECT_TRUE(counts(0));
}

TEST_P(PortReleaseTest, KnowsWhatABareServerCouldBind) {
  EXPECT_FALSE(can_be_bound(*address_)) << "a connection lives";
  server_.reset();
  EXPECT_FALSE(can_be_bound(*address_)) << "it is half closed";
  reset_client();
  EXPECT_TRUE(run_until(loop_, [&] { return can_be_bound(*address_); }));
}

TEST_P(PortReleaseTest, WaitsForTheOtherSide) {
  int released = 0;
  PortRelease release(loop_, {*address_}, [&] { ++released; });
  server_.reset();
  release.await(1);
  EXPECT_EQ(released, 0);
  reset_client();
  EXPECT_TRUE(run_until(loop_, [&] { return released == 1; }));
}

TEST_P(PortReleaseTest, DoesNotWaitForeverForWhoDoesNotCare) {
  int released = 0;
  PortRelease release(loop_, {*address_}, [&] { ++released; });
  server_.reset();
  release.await(1);
  EXPECT_TRUE(run_until(loop_, [&] { return released == 1; }));
  EXPECT_EQ(orphaned_connections(address_->port()), 1U);
}

TEST_P(PortReleaseTest, WaitsLongerForProxydUntilThatHasLetGo) {
  int released = 0;
  PortRelease release(loop_, {*address_}, [&] { ++released; });
  release.on_released(0);
  server_.reset();
  release.await(1);
  run_for(loop_, Milliseconds{300});  // longer than others are waited for
  EXPECT_EQ(released, 0);
  release.on_released(1);  // it was somebody else's
  EXPECT_TRUE(run_until(loop_, [&] { return released == 1; }));
  EXPECT_EQ(orphaned_connections(address_->port()), 1U);
}

TEST_P(PortReleaseTest, DoesNotWaitForNothing) {
  int released = 0;
  PortRelease release(loop_, {*address_}, [&] { ++released; });
  release.await(1);
  EXPECT_EQ(released, 1);
}

INSTANTIATE_TEST_SUITE_P(Families, PortReleaseTest, testing::Values("127.0.0.1", "::1"));

}  // namespace
}  // namespace hpp::supervisord
