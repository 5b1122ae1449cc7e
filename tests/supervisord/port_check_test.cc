#include "supervisord/port_check.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "common/os/process_info.h"
#include "tests/support/free_port.h"

namespace hpp::supervisord {
namespace {

TEST(PortCheck, AFreePortHasNoHolder) {
  const Address address{.host = "localhost", .port = free_port()};
  EXPECT_FALSE(find_port_holder(resolve(address)));
}

TEST(PortCheck, NamesTheHolderOnEitherAddress) {
  for (const char* host : {"127.0.0.1", "::1", "0.0.0.0", "::"}) {
    const std::uint16_t port = free_port();
    const auto sockets = listen_on(resolve({.host = host, .port = port}));
    const auto holder = find_port_holder(resolve({.host = "localhost", .port = port}));
    ASSERT_TRUE(holder) << host;
    EXPECT_EQ(holder->port, port);
    EXPECT_EQ(holder->owner.pid, ::getpid());
    EXPECT_EQ(holder->owner.text, describe_process(::getpid())) << host;
  }
}

// The accept queue is full, so the kernel drops further SYNs.
TEST(PortCheck, NamesAStoppedHolder) {
  const std::uint16_t port = free_port();
  const SocketAddress address = resolve({.host = "127.0.0.1", .port = port}).front();
  const auto sockets = listen_on({address});
  ASSERT_EQ(::listen(sockets.front().get(), 0), 0);
  std::vector<ConnectAttempt> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(start_connect(address));
  const auto holder = find_port_holder({address});
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->owner.pid, ::getpid());
}

TEST(PortCheck, IgnoresAListenerOnAnotherAddress) {
  const std::uint16_t port = free_port();
  const auto sockets = listen_on(resolve({.host = "127.0.0.2", .port = port}));
  EXPECT_FALSE(find_port_holder(resolve({.host = "localhost", .port = port})));
}

}  // namespace
}  // namespace hpp::supervisord
