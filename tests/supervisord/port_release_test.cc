#include "supervisord/port_release.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/os/socket_address.h"
#include "tests/support/run_until.h"

namespace hpp::supervisord {
namespace {

class PortReleaseTest : public testing::TestWithParam<const char*> {
 protected:
  // Makes a connection. When server_ is closed, it is like that of a dead server.
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

  // Waits, because the kernel may need a moment after a close.
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

TEST_P(PortReleaseTest, CountsConnectionsOfADeadServer) {
  EXPECT_EQ(orphaned_connections(address_->port()), 0U) << "the server lives";
  server_.reset();
  EXPECT_TRUE(counts(1));
  reset_client();
  EXPECT_TRUE(counts(0));
}

TEST_P(PortReleaseTest, DetectsWhetherAServerWithoutReuseaddrCouldBind) {
  EXPECT_FALSE(can_be_bound(*address_)) << "a connection lives";
  server_.reset();
  EXPECT_FALSE(can_be_bound(*address_)) << "the connection is half closed";
  reset_client();
  EXPECT_TRUE(run_until(loop_, [&] { return can_be_bound(*address_); }));
}

TEST_P(PortReleaseTest, WaitsForThePeer) {
  int released = 0;
  PortRelease release(loop_, {*address_}, [&] { ++released; });
  server_.reset();
  release.await(Backend::State::Killing, 1);
  EXPECT_EQ(released, 0);
  reset_client();
  EXPECT_TRUE(run_until(loop_, [&] { return released == 1; }));
}

TEST_P(PortReleaseTest, EndsAConnectionWhosePeerNoLongerExists) {
  server_.reset();
  end_abandoned_connections(address_->port());
  EXPECT_TRUE(counts(1)) << "the peer exists";
  // The peer acknowledges the server's FIN now. Otherwise the server would repeat it in a moment,
  // and the answer would end the connection.
  pollfd ended{.fd = client_.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ended, 1, 10'000), 1);
  const int on = 1;
  ::setsockopt(client_.get(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  // The peer disappears without a packet.
  if (::setsockopt(client_.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) != 0) {
    GTEST_SKIP() << "needs CAP_NET_ADMIN";
  }
  client_.reset();
  EXPECT_TRUE(counts(1));
  int released = 0;
  PortRelease release(loop_, {*address_}, [&] { ++released; });
  release.on_released(0);  // so that it waits longer: the kernel limits the rate of its answers
  release.await(Backend::State::Killing, 1);
  EXPECT_TRUE(run_until(loop_, [&] { return released == 1; }));
  EXPECT_TRUE(can_be_bound(*address_));
}

TEST_P(PortReleaseTest, DoesNotWaitForeverForAPeerThatStaysConnected) {
  int released = 0;
  PortRelease release(loop_, {*address_}, [&] { ++released; });
  server_.reset();
  release.await(Backend::State::Killing, 1);
  EXPECT_TRUE(run_until(loop_, [&] { return released == 1; }));
  EXPECT_EQ(orphaned_connections(address_->port()), 1U);
}

TEST_P(PortReleaseTest, WaitsLongerUntilProxydHasReleasedTheGeneration) {
  int released = 0;
  PortRelease release(loop_, {*address_}, [&] { ++released; });
  release.on_released(0);
  server_.reset();
  release.await(Backend::State::Killing, 1);
  run_for(loop_, Milliseconds{300});  // longer than the wait for any other peer
  EXPECT_EQ(released, 0);
  release.on_released(1);  // the connection belonged to another peer
  EXPECT_TRUE(run_until(loop_, [&] { return released == 1; }));
  EXPECT_EQ(orphaned_connections(address_->port()), 1U);
}

TEST_P(PortReleaseTest, DoesNotWaitWithoutAnOrphanedConnection) {
  int released = 0;
  PortRelease release(loop_, {*address_}, [&] { ++released; });
  release.await(Backend::State::Killing, 1);
  EXPECT_EQ(released, 1);
}

INSTANTIATE_TEST_SUITE_P(Families, PortReleaseTest, testing::Values("127.0.0.1", "::1"));

}  // namespace
}  // namespace hpp::supervisord
