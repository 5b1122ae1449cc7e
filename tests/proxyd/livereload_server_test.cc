// Tests the server with browsers on real sockets. core/reload/broadcast_test tests the messages.
#include "proxyd/livereload_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "common/bus/messages.h"
#include "common/os/pipe.h"
#include "tests/support/client_frame.h"
#include "tests/support/free_port.h"
#include "tests/support/run_until.h"

namespace hpp::proxyd {
namespace {

constexpr const char* kOfficialHello =
    R"({"command":"hello","protocols":["http://livereload.com/protocols/official-7"]})";

// A client whose reads and writes never block.
class Client {
 public:
  Client(Loop& loop, std::uint16_t port)
      : loop_(loop), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    set_nonblocking(fd_.get());
  }

  void send(const std::string& bytes) const {
    ASSERT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  void ask(const std::string& path, const std::string& fields = "") const {
    send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
  }

  // Waits for `text`. Returns all bytes that have arrived since the last call.
  std::string read_until(const std::string& text) {
    EXPECT_TRUE(run_until(loop_,
                          [&] {
                            read();
                            return got_.find(text) != std::string::npos;
                          }))
        << text << " is not in: " << got_;
    return got_;
  }

  std::string read_to_the_end() {
    EXPECT_TRUE(run_until(loop_, [&] {
      read();
      return has_ended_;
    })) << got_;
    return got_;
  }

  bool has_ended() {
    read();
    return has_ended_;
  }

  void open_socket(const std::string& fields = "Sec-WebSocket-Version: 13\r\n") {
    ask("/livereload",
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
            fields);
  }

 private:
  void read() {
    char bytes[4096];
    ssize_t got = 0;
    while ((got = ::recv(fd_.get(), bytes, sizeof bytes, 0)) > 0) {
      got_.append(bytes, static_cast<std::size_t>(got));
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) has_ended_ = true;
  }

  Loop& loop_;
  UniqueFd fd_;
  std::string got_;
  bool has_ended_ = false;
};

class LiveReloadServerTest : public testing::Test {
 protected:
  LiveReloadServerTest() {
    std::signal(SIGPIPE, SIG_IGN);
    server_.listen(manager_, port_);
  }

  Client connect() { return {loop_, port_}; }

  void reload() {
    server_.on(bus::BackendState{.state = bus::BackendPhase::Running, .generation = ++generation_});
  }

  Loop loop_;
  ServiceManager manager_{loop_};
  std::uint16_t port_ = free_port();
  std::uint64_t generation_ = 0;
  LiveReloadServer server_{loop_};
};

TEST_F(LiveReloadServerTest, ServesTheScriptAndNothingElse) {
  Client script = connect();
  script.ask("/livereload.js?snipver=1");
  EXPECT_TRUE(script.read_to_the_end().starts_with("HTTP/1.1 200 OK\r\n"));
  Client other = connect();
  other.ask("/");
  EXPECT_TRUE(other.read_to_the_end().starts_with("HTTP/1.1 404 Not Found\r\n"));
  Client broken = connect();
  broken.send("nonsense\r\n\r\n");
  EXPECT_TRUE(broken.read_to_the_end().starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_F(LiveReloadServerTest, RefusesAnotherVersionOfWebSockets) {
  Client client = connect();
  client.open_socket("Sec-WebSocket-Version: 8\r\n");
  const std::string answer = client.read_to_the_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
  EXPECT_NE(answer.find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos);
}

TEST_F(LiveReloadServerTest, SendsReloadsAfterTheHello) {
  Client client = connect();
  client.open_socket();
  client.read_until("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  reload();
  reload();
  client.send(client_frame(kTextFrame, kOfficialHello));
  const std::string greeted = client.read_until(R"("hello")");
  EXPECT_EQ(greeted.find("reload\""), std::string::npos) << "that was before its hello";
  reload();
  client.read_until(R"("command":"reload")");
}

TEST_F(LiveReloadServerTest, TakesOverAConnectionWithTheBytesAfterItsRequest) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  const UniqueFd browser(ends[1]);

  struct Owner final : StreamListener {
    void on_input() override { ++inputs; }

    void on_input_ended() override {}

    void on_output_progress() override {}

    void on_broken(int) override {}

    int inputs = 0;
  } owner;

  Stream stream(loop_, UniqueFd(ends[0]), owner);
  const std::string hello = client_frame(kTextFrame, kOfficialHello);
  ASSERT_EQ(::write(browser.get(), hello.data(), hello.size()), static_cast<ssize_t>(hello.size()));
  ASSERT_TRUE(run_until(loop_, [&] { return owner.inputs > 0; }));
  server_.take_over(stream, "dGhlIHNhbXBsZSBub25jZQ==", /*is_from_here=*/true);
  std::string got;
  EXPECT_TRUE(run_until(loop_, [&] {
    char bytes[4096];
    const ssize_t size = ::read(browser.get(), bytes, sizeof bytes);
    if (size > 0) got.append(bytes, static_cast<std::size_t>(size));
    return got.find(R"("hello")") != std::string::npos;
  })) << got;
  EXPECT_TRUE(got.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
}

TEST_F(LiveReloadServerTest, AnswersACloseAndForgetsTheBrowser) {
  Client client = connect();
  client.open_socket();
  client.read_until("\r\n\r\n");
  client.send(client_frame(kCloseFrame, "\x03\xe8"));
  EXPECT_TRUE(client.read_to_the_end().ends_with(std::string("\x88\x02\x03\xe8")));
}

TEST_F(LiveReloadServerTest, DropsABrowserThatDoesNotRead) {
  Client slow = connect();
  slow.open_socket();
  slow.read_until("\r\n\r\n");
  slow.send(client_frame(kTextFrame, kOfficialHello));
  slow.read_until(R"("hello")");
  Client quick = connect();
  quick.open_socket();
  quick.read_until("\r\n\r\n");
  quick.send(client_frame(kTextFrame, kOfficialHello));
  quick.read_until(R"("hello")");
  const std::string name(60'000, 'x');
  for (std::uint64_t i = 1; i <= 200; ++i) {
    const std::string path = std::to_string(i) + name;
    server_.on(bus::TreeState{.refresh = {.count = i, .css = {path}, .css_count = 1}});
    quick.read_until(path);
  }
  EXPECT_TRUE(run_until(loop_, [&] { return slow.has_ended(); }));
  EXPECT_FALSE(quick.has_ended());
}

TEST_F(LiveReloadServerTest, ToleratesAPortThatIsInUse) {
  LiveReloadServer other(loop_);
  EXPECT_NO_THROW(other.listen(manager_, port_));
  Client client = connect();
  client.ask("/livereload.js");
  client.read_to_the_end();
}

}  // namespace
}  // namespace hpp::proxyd
