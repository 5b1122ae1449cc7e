// Both ends of a benchmark: a web server that uses little CPU time, and loads that wrk cannot make.
//
// It measures a proxy between the two ends. It is not suitable for tests, because it trusts its
// peer. wrk makes no WebSocket load, and its new connections cost more than the proxies.
//
//   bench-peer serve PORT
//       A web server. GET /N returns N bytes. A request with a body gets a 200 when the body has
//       been read. Upgrade gets a 101, and then every byte is echoed. The response header X-Start
//       is the server's pid.
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
#include <cctype>
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

// Distinguishes this server from the one that ran before it.
const pid_t kPid = ::getpid();

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

int make_socket(int flags = 0) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | flags, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return fd;
}

void watch(int epoll, int fd, void* who) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = who}};
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

// Returns the position after the first `name` in `text`, or npos. `name` is in lower case; the case
// of `text` is ignored, because HAProxy sends header names in lower case.
std::size_t after(std::string_view text, std::string_view name) {
  const auto found = std::search(text.begin(), text.end(), name.begin(), name.end(),
                                 [](char c, char wanted) { return std::tolower(c) == wanted; });
  if (found == text.end()) return std::string_view::npos;
  return static_cast<std::size_t>(found - text.begin()) + name.size();
}

const std::string& zeros() {
  static const std::string block(kBlock, '0');
  return block;
}

// ---- serve --------------------------------------------------------------------------------------

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}

  ~Connection() { ::close(fd_); }

  // Reads and writes until it would block. Returns false if the connection has ended.
  bool work() {
    for (;;) {
      if (!write_pending()) return errno == EAGAIN;
      if (!out_.empty() || body_out_ > 0) return true;
      char block[kBlock];
      const ssize_t got = ::recv(fd_, block, sizeof block, 0);
      if (got == 0) return false;
      if (got < 0) return errno == EAGAIN;
      take({block, static_cast<std::size_t>(got)});
    }
  }

 private:
  void take(std::string_view bytes) {
    if (echoes_) {
      out_ += bytes;
      return;
    }
    while (!bytes.empty()) {
      if (body_in_ > 0) {
        const auto size = std::min<std::uint64_t>(body_in_, bytes.size());
        body_in_ -= size;
        bytes.remove_prefix(size);
        if (body_in_ == 0) answer(0);
        continue;
      }
      head_ += bytes;
      const auto end = head_.find("\r\n\r\n");
      if (end == std::string::npos) return;
      const std::string_view rest = bytes.substr(bytes.size() - (head_.size() - end - 4));
      read_head(std::string_view(head_).substr(0, end));
      head_.clear();
      bytes = rest;
      if (echoes_) return take(bytes);
    }
  }

  void read_head(std::string_view head) {
    const std::size_t length = after(head, "\r\ncontent-length:");
    if (after(head, "\r\nupgrade:") != std::string_view::npos) {
      out_ += "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n";
      echoes_ = true;
    } else if (length != std::string_view::npos) {
      body_in_ = number(head.substr(head.find_first_not_of(' ', length)));
      if (body_in_ == 0) answer(0);
    } else {
      answer(number(head.substr(head.find('/') + 1)));
    }
  }

  void answer(std::uint64_t size) {
    out_ += fmt::format(
        "HTTP/1.1 200 OK\r\nServer: bench-peer\r\nX-Start: {}\r\nContent-Type: text/plain\r\n"
        "Content-Length: {}\r\n"
        "\r\n",
        kPid, size);
    if (size <= 1024) {
      out_.append(size, '0');
    } else {
      body_out_ = size;
    }
  }

  // Returns false and sets errno if not everything could be written.
  bool write_pending() {
    while (!out_.empty()) {
      const int more = body_out_ > 0 ? MSG_MORE : 0;
      const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL | more);
      if (sent < 0) return false;
      out_.erase(0, static_cast<std::size_t>(sent));
    }
    while (body_out_ > 0) {
      const ssize_t sent =
          ::send(fd_, zeros().data(), std::min<std::uint64_t>(body_out_, kBlock), MSG_NOSIGNAL);
      if (sent < 0) return false;
      body_out_ -= static_cast<std::uint64_t>(sent);
    }
    return true;
  }

  int fd_;
  std::string head_;
  std::string out_;
  std::uint64_t body_in_ = 0;
  std::uint64_t body_out_ = 0;
  bool echoes_ = false;
};

int serve(std::string_view port) {
  const int listener = make_socket(SOCK_NONBLOCK);
  const sockaddr_in address = loopback(port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("bind");
  }
  if (::listen(listener, SOMAXCONN) != 0) fail("listen");
  const int epoll = ::epoll_create1(0);
  watch(epoll, listener, nullptr);
  epoll_event events[512];
  for (;;) {
    const int count = ::epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      if (connection != nullptr) {
        if (!connection->work()) delete connection;
        continue;
      }
      for (int fd = 0; (fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll, fd, new Connection(fd));
      }
    }
  }
}

// ---- loads --------------------------------------------------------------------------------------

int connect_to(std::string_view port) {
  const int fd = make_socket();
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
    constexpr std::string_view kHead = "GET /64 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
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
    ask(connect_to(port), "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200");
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
  if (words.size() == 2 && words[0] == "serve") return serve(words[1]);
  if (words.size() == 5 && words[0] == "echo") {
    return echo(words[1], number(words[2]), number(words[3]), std::atof(words[4].data()));
  }
  if (words.size() == 4 && words[0] == "connect") {
    return connect_anew(words[1], number(words[2]), std::atof(words[3].data()));
  }
  if (words.size() == 3 && words[0] == "idle") return idle(words[1], number(words[2]));
  fmt::print(stderr,
             "bench-peer serve PORT | echo PORT CONNECTIONS SIZE SECONDS | "
             "connect PORT CONNECTIONS SECONDS | idle PORT CONNECTIONS\n");
  return 2;
}
