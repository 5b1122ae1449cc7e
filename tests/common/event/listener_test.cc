#include "common/event/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <vector>

#include "common/os/socket_address.h"
#include "tests/support/free_port.h"
#include "tests/support/run_until.h"

namespace hpp {
namespace {

// systemd-socket-activate passes blocking sockets. If this test hangs, accept(2) has blocked.
TEST(Listener, MakesABlockingSocketNonBlocking) {
  Loop loop;
  const auto addresses = resolve({.host = "127.0.0.1", .port = free_port()});
  auto sockets = listen_on(addresses);
  const int fd = sockets.front().get();
  ASSERT_EQ(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
  std::vector<UniqueFd> accepted;
  const Listener listener(loop, std::move(sockets.front()),
                          [&](UniqueFd connection, const SocketAddress&) {
                            accepted.push_back(std::move(connection));
                          });
  std::vector<UniqueFd> clients;
  for (std::size_t i = 1; i <= 3; ++i) {
    clients.push_back(start_connect(addresses.front()).fd);
    EXPECT_TRUE(run_until(loop, [&] { return accepted.size() == i; }));
  }
}

}  // namespace
}  // namespace hpp
