// Sockets of this process and of a child.
#include "common/os/port_owner.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

#include "common/os/process_info.h"
#include "tests/support/free_port.h"
#include "tests/support/process_test.h"

namespace hpp {
namespace {

class PortOwnerTest : public ProcessTest {
 protected:
  SocketAddress at(const char* host) const {
    return resolve({.host = host, .port = port_}).front();
  }

  std::string owner_of(const char* host) const {
    const auto owner = find_port_owner({at(host)});
    return owner ? owner->text : "";
  }

  std::uint16_t port_ = free_port();
  std::string us_ = describe_process(::getpid());
};

TEST_F(PortOwnerTest, NamesTheListenerOfEachAddress) {
  EXPECT_EQ(owner_of("127.0.0.1"), "");
  const auto sockets = listen_on({at("127.0.0.1")});
  EXPECT_EQ(owner_of("127.0.0.1"), us_);
  EXPECT_EQ(owner_of("127.0.0.2"), "");
  EXPECT_EQ(owner_of("::1"), "");
  const auto all_v6 = listen_on({at("::")});
  EXPECT_EQ(owner_of("::1"), us_);
}

TEST_F(PortOwnerTest, PrefersIpv4ToADualStackSocket) {
  const auto v4 = listen_on({at("0.0.0.0")});
  const auto only_v4 = listening_inodes(at("127.0.0.1"));
  ASSERT_EQ(only_v4.size(), 1U);
  const auto v6 = listen_on({at("::")});
  EXPECT_EQ(listening_inodes(at("127.0.0.1")), only_v4);
  EXPECT_NE(listening_inodes(at("::1")), only_v4);
}

TEST_F(PortOwnerTest, FindsADualStackSocketByIpv4) {
  const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM, 0));
  const SocketAddress any = at("::");
  const int off = 0;
  ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  ASSERT_EQ(::bind(fd.get(), any.get(), any.length), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  EXPECT_EQ(owner_of("127.0.0.1"), us_);
}

TEST_F(PortOwnerTest, FindsAllSocketsThatShareAnAddress) {
  const SocketAddress address = at("127.0.0.1");
  std::vector<UniqueFd> sockets;
  for (int i = 0; i < 2; ++i) {
    sockets.emplace_back(::socket(AF_INET, SOCK_STREAM, 0));
    const int on = 1;
    ::setsockopt(sockets.back().get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    ASSERT_EQ(::bind(sockets.back().get(), address.get(), address.length), 0);
    ASSERT_EQ(::listen(sockets.back().get(), 1), 0);
  }
  EXPECT_EQ(listening_inodes(address).size(), 2U);
}

TEST_F(PortOwnerTest, HoldsSocketChecksTheProcess) {
  const auto sockets = listen_on({at("127.0.0.1")});
  const auto inodes = listening_inodes(at("127.0.0.1"));
  EXPECT_EQ(holds_socket(::getpid(), inodes), Holds::Yes);
  const pid_t other = start({"sleep", "1000"}, {});
  EXPECT_TRUE(run_until(loop_, [&] { return has_been_executed(other, ::getpid()); }));
  EXPECT_EQ(holds_socket(other, inodes), Holds::No);
}

}  // namespace
}  // namespace hpp
