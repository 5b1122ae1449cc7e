#include "common/os/peer_sockets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "common/os/socket_address.h"

namespace hpp {
namespace {

// A connection within this machine. The test asks about the peer of `client`.
struct Connection {
  explicit Connection(const std::string& host) {
    const auto listening = listen_on(resolve({.host = host, .port = 0}));
    const SocketAddress address = local_address(listening[0].get());
    client.reset(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), address.get(), address.length), 0);
    server.reset(::accept(listening[0].get(), nullptr, nullptr));
    EXPECT_TRUE(server.is_open());
  }

  void await_end() {
    char byte = 0;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), 0);
  }

  UniqueFd client;
  UniqueFd server;
};

bool has_ipv6() {
  return UniqueFd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)).is_open();
}

void check(const std::string& host) {
  PeerSockets peers;
  Connection open(host);
  EXPECT_FALSE(peers.is_abandoned(open.client.get())) << "it is in use";
  Connection shut_down(host);
  ::shutdown(shut_down.server.get(), SHUT_WR);
  shut_down.await_end();
  EXPECT_FALSE(peers.is_abandoned(shut_down.client.get())) << "a process still reads";
  Connection closed(host);
  closed.server.reset();
  closed.await_end();
  // close(2) sends the FIN before it returns.
  for (int i = 0; i < 1'000'000 && !peers.is_abandoned(closed.client.get()); ++i) {
  }
  EXPECT_TRUE(peers.is_abandoned(closed.client.get()));
}

TEST(PeerSockets, OnlyAClosedPeerIsAnOrphan) {
  check("127.0.0.1");
  if (has_ipv6()) check("::1");
}

TEST(PeerSockets, IsFalseForADescriptorThatIsNoConnection) {
  PeerSockets peers;
  EXPECT_FALSE(peers.is_abandoned(-1));
  const UniqueFd alone(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(peers.is_abandoned(alone.get()));
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd first(pair[0]);
  const UniqueFd second(pair[1]);
  EXPECT_FALSE(peers.is_abandoned(first.get()));
}

}  // namespace
}  // namespace hpp
