// The web server of tests and benchmarks. It boots quickly and uses little CPU time, and each
// answer shows which start of the server gave it. It trusts its peer.
//
//   test-backend PORT OPTION…
//     --text FILE    the server's text, in the body of each answer and in X-Text: the content of
//                    FILE at the start. If it is `broken`, the server ends with status 3
//     --tree DIR     instead of --text: the text is `whole V` if each file in the folders of DIR
//                    has the content V, otherwise `MIXED`
//     --log FILE     appends the line `start TEXT` and, for each request, `METHOD TARGET TEXT`
//     --lock FILE    locks FILE while the process lives; if another process has the lock, appends
//                    `DOUBLE TEXT` to the log
//     --boot-max MS  the longest time to boot; the text determines the actual time
//     --wait FILE    boots until FILE exists
//     --no-reuse     binds without SO_REUSEADDR, like many small servers
//     --one-by-one   serves one connection at a time, with one request
//     --backlog N    the number of connections that wait to be accepted; others are dropped
//
//   GET /crash       ends the server with status 3
//   GET /only/TEXT   gets an answer only if TEXT is the server's text
//   GET /zeros/N     an answer with a body of N bytes
//   GET /begun/X     an answer that begins with `begun` and never ends; X is `length`, `chunked` or
//                    `close`
//   Expect: …        a 100 when the head has arrived, but not the body
//   Upgrade: …       a 101, and then an echo of each byte
//
// The header X-Start is the server's pid.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

struct Options {
  std::uint16_t port = 0;
  std::string text_file;
  std::string tree;
  std::string log;
  std::string lock;
  std::string wait;
  unsigned boot_max_ms = 0;
  int backlog = SOMAXCONN;
  bool reuses = true;
  bool one_by_one = false;
};

Options options;
std::string text;
int log_fd = -1;

[[noreturn]] void fail(const char* what) {
  fmt::print(stderr, "test-backend: {}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

// Uses one write(2), because several instances of the server append to the same file.
void log(std::string_view event, std::string_view target = {}) {
  if (log_fd < 0) return;
  const std::string line =
      fmt::format("{}{}{} {}\n", event, target.empty() ? "" : " ", target, text);
  if (::write(log_fd, line.data(), line.size()) < 0) fail("log");
}

// ---- the text -----------------------------------------------------------------------------------

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string read_tree(const fs::path& top) {
  std::string version;
  for (const auto& folder : fs::directory_iterator(top)) {
    if (!folder.is_directory() || folder.path().filename() == ".git") continue;
    for (const auto& file : fs::directory_iterator(folder.path())) {
      const std::string found = read_file(file.path());
      if (version.empty()) version = found;
      if (found.empty() || found != version) return "MIXED";
    }
  }
  return "whole " + version;
}

// ---- answers ------------------------------------------------------------------------------------

// Returns the value of the field `name` (in lower case), or an empty text.
std::string_view field(std::string_view head, std::string_view name) {
  const std::string line = fmt::format("\r\n{}:", name);
  const auto found = std::search(head.begin(), head.end(), line.begin(), line.end(),
                                 [](char c, char wanted) { return std::tolower(c) == wanted; });
  if (found == head.end()) return {};
  const auto value = head.substr(static_cast<std::size_t>(found - head.begin()) + line.size());
  const auto begin = std::min(value.find_first_not_of(' '), value.size());
  return value.substr(begin, value.find('\r') - begin);
}

constexpr std::size_t kBlock = 256 * 1024;

// A connection without its socket: takes requests, and makes answers.
struct Exchange {
  std::string out{};        // to be sent,
  std::uint64_t zeros = 0;  // followed by so many zeros
  std::string head{};       // the request's head, or its beginning
  std::uint64_t body_to_come = 0;
  bool echoes = false;

  void take(std::string_view bytes) {
    while (!bytes.empty() && !echoes) {
      if (body_to_come == 0) {
        head += bytes;
        const auto end = head.find("\r\n\r\n");
        if (end == std::string::npos) return;
        bytes.remove_prefix(bytes.size() - (head.size() - end - 4));
        head.resize(end + 2);
        const std::string_view length = field(head, "content-length");
        body_to_come = length.empty() ? 0 : std::stoull(std::string(length));
        const bool waits = bytes.size() < body_to_come && !options.one_by_one;
        if (waits && !field(head, "expect").empty()) out += "HTTP/1.1 100 Continue\r\n\r\n";
      }
      const auto size = std::min<std::uint64_t>(body_to_come, bytes.size());
      body_to_come -= size;
      bytes.remove_prefix(size);
      if (body_to_come == 0) answer();
    }
    out += bytes;
  }

  void answer() {
    const std::string_view request = head;
    const auto method = request.substr(0, request.find(' '));
    auto target = request.substr(method.size() + 1);
    target = target.substr(0, target.find(' '));
    log(method, target);
    answer(method, target);
    head.clear();
  }

  void answer(std::string_view method, std::string_view target) {
    if (target == "/crash") {
      fmt::print(stderr, "crash requested\n");
      std::_Exit(3);  // a crash frees nothing
    }
    if (target.starts_with("/only/") && target.substr(6) != text) return;
    if (const auto protocol = field(head, "upgrade"); !protocol.empty()) {
      echoes = true;
      return begin("101 Switching Protocols",
                   fmt::format("Upgrade: {}\r\nConnection: Upgrade", protocol));
    }
    if (target == "/begun/length") return begin("200 OK", "Content-Length: 1000", "begun");
    if (target == "/begun/chunked") {
      return begin("200 OK", "Transfer-Encoding: chunked", "5\r\nbegun\r\n");
    }
    if (target == "/begun/close") return begin("200 OK", "Connection: close", "begun");
    if (target.starts_with("/zeros/")) {
      const auto size = target.substr(7);
      if (method != "HEAD") zeros = std::stoull(std::string(size));
      return begin("200 OK", fmt::format("Content-Length: {}", size));
    }
    const char* end = options.one_by_one ? "\r\nConnection: close" : "";
    begin("200 OK", fmt::format("Content-Length: {}{}", text.size(), end),
          method == "HEAD" ? "" : text);
  }

  void begin(std::string_view status, std::string_view fields, std::string_view body = {}) {
    out += fmt::format("HTTP/1.1 {}\r\nX-Start: {}\r\nX-Text: {}\r\n{}\r\n\r\n{}", status,
                       ::getpid(), text, fields, body);
  }
};

// ---- many connections ---------------------------------------------------------------------------

struct Connection {
  int fd;
  Exchange exchange{};

  ~Connection() { ::close(fd); }

  // Reads and writes until it would block. Returns false if the connection has ended.
  bool work() {
    for (;;) {
      if (!send_pending()) return errno == EAGAIN;
      char block[kBlock];
      const ssize_t got = ::recv(fd, block, sizeof block, 0);
      if (got == 0) return false;
      if (got < 0) return errno == EAGAIN;
      exchange.take({block, static_cast<std::size_t>(got)});
    }
  }

  // Returns false and sets errno if not everything could be sent.
  bool send_pending() {
    auto& [out, zeros, head, body_to_come, echoes] = exchange;
    if (zeros <= 1024) out.append(std::exchange(zeros, 0), '0');
    while (!out.empty()) {
      const ssize_t sent =
          ::send(fd, out.data(), out.size(), MSG_NOSIGNAL | (zeros > 0 ? MSG_MORE : 0));
      if (sent < 0) return false;
      out.erase(0, static_cast<std::size_t>(sent));
    }
    static const std::string block(kBlock, '0');
    while (zeros > 0) {
      const auto size = std::min<std::uint64_t>(zeros, block.size());
      const ssize_t sent = ::send(fd, block.data(), size, MSG_NOSIGNAL);
      if (sent < 0) return false;
      zeros -= static_cast<std::uint64_t>(sent);
    }
    return true;
  }
};

void watch(int epoll, int fd, void* who) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = who}};
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

[[noreturn]] void serve_many(int listener) {
  ::fcntl(listener, F_SETFL, O_NONBLOCK);
  const int epoll = ::epoll_create1(0);
  watch(epoll, listener, nullptr);
  epoll_event events[256];
  for (;;) {
    const int count = ::epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      if (connection != nullptr) {
        if (!connection->work()) delete connection;
        continue;
      }
      for (int fd = 0; (fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll, fd, new Connection{.fd = fd});
      }
    }
  }
}

// ---- one connection at a time -------------------------------------------------------------------

[[noreturn]] void serve_one_by_one(int listener) {
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) fail("accept");
    Exchange exchange;
    char block[16 * 1024];
    for (ssize_t got = 0; exchange.out.empty() && (got = ::recv(fd, block, sizeof block, 0)) > 0;) {
      exchange.take({block, static_cast<std::size_t>(got)});
    }
    ::send(fd, exchange.out.data(), exchange.out.size(), MSG_NOSIGNAL);
    ::close(fd);
  }
}

// ---- the start ----------------------------------------------------------------------------------

Options read_options(int argc, char** argv) {
  Options read;
  const auto is = [&](int i, const char* name) { return std::strcmp(argv[i], name) == 0; };
  for (int i = 1; i < argc; ++i) {
    if (is(i, "--no-reuse")) {
      read.reuses = false;
    } else if (is(i, "--one-by-one")) {
      read.one_by_one = true;
    } else if (i == 1) {
      read.port = static_cast<std::uint16_t>(std::atoi(argv[i]));
    } else if (i + 1 == argc) {
      errno = EINVAL;
      fail(argv[i]);
    } else if (is(i, "--text")) {
      read.text_file = argv[++i];
    } else if (is(i, "--tree")) {
      read.tree = argv[++i];
    } else if (is(i, "--log")) {
      read.log = argv[++i];
    } else if (is(i, "--lock")) {
      read.lock = argv[++i];
    } else if (is(i, "--wait")) {
      read.wait = argv[++i];
    } else if (is(i, "--backlog")) {
      read.backlog = std::atoi(argv[++i]);
    } else if (is(i, "--boot-max")) {
      read.boot_max_ms = static_cast<unsigned>(std::atoi(argv[++i]));
    } else {
      errno = EINVAL;
      fail(argv[i]);
    }
  }
  return read;
}

void open_log_and_lock() {
  if (!options.log.empty()) {
    log_fd = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) fail("open the log");
  }
  log("start");
  if (text == "broken") {
    fmt::print(stderr, "the text is broken\n");
    std::_Exit(3);
  }
  if (options.lock.empty()) return;
  const int lock = ::open(options.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) fail("open the lock");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) log("DOUBLE");
}

void boot() {
  if (options.boot_max_ms > 0) {
    std::uint32_t hash =
        2166136261;  // FNV-1a, because std::hash may differ between library versions
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
    std::this_thread::sleep_for(milliseconds(hash % (options.boot_max_ms + 1)));
  }
  while (!options.wait.empty() && !fs::exists(options.wait)) {
    std::this_thread::sleep_for(milliseconds(1));
  }
}

int listen_at_last() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (options.reuses) ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("bind");
  }
  if (::listen(listener, options.backlog) != 0) fail("listen");
  return listener;
}

}  // namespace

int main(int argc, char** argv) {
  options = read_options(argc, argv);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  text = options.tree.empty() ? read_file(options.text_file) : read_tree(options.tree);
  open_log_and_lock();
  boot();
  const int listener = listen_at_last();
  if (options.one_by_one) serve_one_by_one(listener);
  serve_many(listener);
}
