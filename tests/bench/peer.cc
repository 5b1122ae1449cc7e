// Loads of a benchmark that wrk cannot make: it has no WebSockets, and its new connections cost
// more than the proxies. The other end is tests/support/backend.cc.
//
//   bench-peer echo PORT CONNECTIONS SIZE S
//       Sends messages of SIZE bytes and waits for their echo, for S seconds.
//   bench-peer connect PORT CONNECTIONS S
//       Sends small requests, each on a new connection, for S seconds. CONNECTIONS requests are in
//       flight at a time.
//   bench-peer idle PORT CONNECTIONS
//       Sends one request on each connection, prints "idle", and keeps the connections open until
//       its stdin ends.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBlock = 256 * 1024;

[[noreturn]] void fail(const char* what) {
  fmt::print(stderr, "bench-peer: {}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

sockaddr_in loopback(std::string_view port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(number(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int connect_to(std::string_view port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("connect");
  }
  return fd;
}

void ask(int fd, std::string_view head, std::string_view expected) {
  if (::send(fd, head.data(), head.size(), MSG_NOSIGNAL) < 0) fail("send");
  std::string got;
  char block[4096];
  while (got.find("\r\n\r\n") == std::string::npos) {
    const ssize_t size = ::recv(fd, block, sizeof block, 0);
    if (size <= 0) fail("no answer");
    got.append(block, static_cast<std::size_t>(size));
  }
  if (!got.starts_with(expected)) {
    fmt::print(stderr, "bench-peer: expected {}, got {}\n", expected, got);
    std::exit(1);
  }
}

// Runs a load for `seconds`, and prints how many operations per second it has completed. `done` is
// called for each ready descriptor, and returns whether an operation is complete.
template <class Done>
int count_for(double seconds, int epoll, Done done) {
  std::uint64_t count = 0;
  const auto begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  epoll_event events[512];
  while (Clock::now() < end) {
    const int ready = ::epoll_wait(epoll, events, 512, 100);
    for (int i = 0; i < ready; ++i) count += done(events[i].data) ? 1 : 0;
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  fmt::print("{:.0f}\n", static_cast<double>(count) / took.count());
  return 0;
}

struct Echoer {
  int fd = -1;
  std::size_t to_come = 0;
};

int echo(std::string_view port, std::size_t connections, std::size_t size, double seconds) {
  const int epoll = ::epoll_create1(0);
  std::vector<Echoer> echoers(connections);
  const std::string message(size, 'm');
  const auto send_one = [&](Echoer& e) {
    e.to_come = size;
    if (::send(e.fd, message.data(), size, MSG_NOSIGNAL) != static_cast<ssize_t>(size))
      fail("send");
  };
  for (Echoer& e : echoers) {
    e.fd = connect_to(port);
    ask(e.fd, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
        "HTTP/1.1 101");
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &e}};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, e.fd, &event) != 0) fail("epoll_ctl");
  }
  for (Echoer& e : echoers) send_one(e);
  auto block = std::make_unique<char[]>(kBlock);
  return count_for(seconds, epoll, [&](epoll_data who) {
    auto& e = *static_cast<Echoer*>(who.ptr);
    const ssize_t got = ::recv(e.fd, block.get(), kBlock, 0);
    if (got <= 0) fail("the echo ended");
    e.to_come -= std::min(e.to_come, static_cast<std::size_t>(got));
    if (e.to_come > 0) return false;
    send_one(e);
    return true;
  });
}

// Makes as few system calls as possible, because the load must cost less than the proxy.
int connect_anew(std::string_view port, std::size_t connections, double seconds) {
  const int epoll = ::epoll_create1(0);
  const auto begin_one = [&] {
    constexpr std::string_view kHead =
        "GET /zeros/64 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const int fd = connect_to(port);
    if (::send(fd, kHead.data(), kHead.size(), MSG_NOSIGNAL) < 0) fail("send");
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  };
  for (std::size_t i = 0; i < connections; ++i) begin_one();
  return count_for(seconds, epoll, [&](epoll_data who) {
    char block[4096];
    const ssize_t got = ::recv(who.fd, block, sizeof block, 0);
    if (got <= 0) fail("no answer");
    // The proxies send an answer of this size in one piece.
    const std::string_view answer(block, static_cast<std::size_t>(got));
    if (!answer.starts_with("HTTP/1.1 200") || !answer.ends_with("0000")) fail("half an answer");
    ::close(who.fd);
    begin_one();
    return true;
  });
}

int idle(std::string_view port, std::size_t connections) {
  for (std::size_t i = 0; i < connections; ++i) {
    ask(connect_to(port), "GET /zeros/2 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200");
  }
  fmt::print("idle\n");
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.size() == 5 && words[0] == "echo") {
    return echo(words[1], number(words[2]), number(words[3]), std::atof(words[4].data()));
  }
  if (words.size() == 4 && words[0] == "connect") {
    return connect_anew(words[1], number(words[2]), std::atof(words[3].data()));
  }
  if (words.size() == 3 && words[0] == "idle") return idle(words[1], number(words[2]));
  fmt::print(stderr,
             "bench-peer echo PORT CONNECTIONS SIZE SECONDS | "
             "connect PORT CONNECTIONS SECONDS | idle PORT CONNECTIONS\n");
  return 2;
}
