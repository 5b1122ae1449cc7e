#include "supervisord/probe.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <dirent.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/event/listener.h"
#include "supervisord/port_release.h"
#include "tests/support/free_port.h"
#include "tests/support/run_until.h"

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

// A server in the test's own loop. It treats each connection according to the next element of
// `replies`; the last element applies to all further connections.
class Server {
 public:
  // With a reply whose name contains `Ends`, the server then sends a FIN, and continues to read.
  enum class Reply {
    Close,
    CloseAfterRequest,
    EndsAfterRequest,
    Reset,
    Silence,
    Http,
    HttpAndClose,
    HttpAndEnds,
    HttpAndStays,  // does not close the connection after the probe's FIN
    HttpToGet,
    Garbage,
    SlowHttp
  };

  Server(Loop& loop, const Address& address, std::vector<Reply> replies)
      : loop_(loop), replies_(std::move(replies)) {
    for (auto& fd : listen_on(resolve(address))) {
      listeners_.push_back(std::make_unique<Listener>(
          loop, std::move(fd),
          [this](UniqueFd connection, const SocketAddress&) { accept(std::move(connection)); }));
    }
  }

  int accepted() const { return accepted_; }

  int open() const {
    return static_cast<int>(std::count_if(connections_.begin(), connections_.end(),
                                          [](const auto& c) { return c->fd.is_open(); }));
  }

  // How many connections the probe has reset.
  int resets() const { return resets_; }

  // How many FINs of the probe have not closed a connection.
  int ends() const { return ends_; }

  // Whether the last connection is in the state TCP_CLOSE, after a reset.
  bool is_last_gone() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    ::getsockopt(connections_.back()->fd.get(), IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_state == TCP_CLOSE;
  }

  const std::string& request() const { return connections_.back()->request; }

  void send(std::string_view bytes) {
    ::send(connections_.back()->fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

 private:
  struct Connection {
    UniqueFd fd;
    Reply reply;
    std::string request;
    std::unique_ptr<FdWatch> readable;
  };

  void accept(UniqueFd fd) {
    const auto turn =
        std::min<std::size_t>(static_cast<std::size_t>(accepted_++), replies_.size() - 1);
    const Reply reply = replies_[turn];
    if (reply == Reply::Close) return;
    if (reply == Reply::Reset) {
      const linger now{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
      return;
    }
    auto connection = std::make_unique<Connection>();
    Connection* raw = connection.get();
    connection->reply = reply;
    connection->readable = std::make_unique<FdWatch>(loop_, fd.get(), FdWatch::For::Reading,
                                                     [this, raw] { read(*raw); });
    connection->fd = std::move(fd);
    connection->readable->start();
    connections_.push_back(std::move(connection));
  }

  void read(Connection& connection) {
    char bytes[4096];
    const ssize_t got = ::recv(connection.fd.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (got == 0 && connection.reply == Reply::HttpAndStays) {
      ++ends_;
      connection.readable->stop();
      return;
    }
    if (got <= 0) {
      if (got < 0) ++resets_;
      connection.readable->stop();
      connection.fd.reset();
      return;
    }
    connection.request.append(bytes, static_cast<std::size_t>(got));
    if (!connection.request.ends_with("\r\n\r\n")) return;
    const Reply reply = connection.reply;
    if (reply == Reply::Http || reply == Reply::HttpAndClose || reply == Reply::HttpAndEnds ||
        reply == Reply::HttpAndStays) {
      send("HTTP/1.1 503 Warming up\r\n\r\n");
    }
    if (reply == Reply::HttpAndEnds || reply == Reply::EndsAfterRequest) {
      ::shutdown(connection.fd.get(), SHUT_WR);
    }
    if (reply == Reply::HttpToGet && connection.request.starts_with("GET ")) {
      return send("HTTP/1.1 200 OK\r\n\r\n");
    }
    if (reply == Reply::HttpToGet || reply == Reply::CloseAfterRequest ||
        reply == Reply::HttpAndClose) {
      connection.readable->stop();
      connection.fd.reset();
    }
    if (reply == Reply::Garbage) send("SSH-2.0-OpenSSH\r\n");
    if (reply == Reply::SlowHttp) send("HT");
  }

  Loop& loop_;
  std::vector<Reply> replies_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Connection>> connections_;
  int accepted_ = 0;
  int resets_ = 0;
  int ends_ = 0;
};

using Reply = Server::Reply;

class ProbeTest : public testing::Test {
 protected:
  void start(const std::string& host = "localhost", Probe::For wants = Probe::For::Response,
             const std::string& path = "/") {
    const Address address{.host = host, .port = port_};
    const Probe::Question question{.wants = wants, .host = to_string(address), .path = path};
    const auto owner_of = [this](const SocketAddress& a) {
      const bool is_strangers = a.text() == strangers_address_;
      return is_strangers ? Owner{.is = Owner::Is::Stranger, .who = "pid 9"} : Owner{};
    };
    const auto on_answer = [this](const Probe::Answer& answer) {
      ++answers_;
      answer_ = answer;
    };
    probe_.emplace(loop_, resolve(address), question,
                   Probe::Handlers{.owner_of = owner_of,
                                   .on_answer = on_answer,
                                   .on_stranger = [this] { ++strangers_; },
                                   .on_sight = [this](const Sight& s) { sights_.push_back(s); },
                                   .on_late = [](const Sight&) {}});
    probe_->start();
  }

  void start_and_wait(const std::string& host = "localhost",
                      Probe::For wants = Probe::For::Response, const std::string& path = "/") {
    start(host, wants, path);
    ASSERT_TRUE(answered());
  }

  std::string at(const std::string& host) const { return host + ':' + std::to_string(port_); }

  void serve(std::vector<Reply> replies, const std::string& host = "127.0.0.1") {
    server_.emplace(loop_, Address{.host = host, .port = port_}, std::move(replies));
  }

  bool answered() {
    return run_until(loop_, [this] { return answers_ > 0; });
  }

  Loop loop_{Loop::Timers::Precise};
  std::uint16_t port_ = free_port();
  std::optional<Server> server_;
  std::optional<Probe> probe_;
  int answers_ = 0;
  Probe::Answer answer_;
  std::vector<Sight> sights_;
  int strangers_ = 0;  // rounds that found a stranger
  std::string strangers_address_;
};

TEST_F(ProbeTest, SendsAnHttpRequest) {
  serve({Reply::Http});
  start_and_wait();
  EXPECT_TRUE(server_->request().starts_with("HEAD / HTTP/1.1\r\n"));
  EXPECT_NE(server_->request().find("\r\nHost: localhost:" + std::to_string(port_) + "\r\n"),
            std::string::npos);
  EXPECT_NE(server_->request().find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_NE(server_->request().find("\r\nUser-Agent: hpp/"), std::string::npos);
}

TEST_F(ProbeTest, RequestsTheGivenPath) {
  serve({Reply::Http});
  start_and_wait("localhost", Probe::For::Response, "/ready?x");
  EXPECT_TRUE(server_->request().starts_with("HEAD /ready?x HTTP/1.1\r\n"));
}

TEST_F(ProbeTest, SendsNoRequestIfAConnectionIsEnough) {
  serve({Reply::Silence});
  start_and_wait("localhost", Probe::For::Connection);
  run_for(loop_, milliseconds(30));
  EXPECT_EQ(server_->accepted(), 1);
  EXPECT_EQ(server_->open(), 0);
  EXPECT_EQ(server_->resets(), 0);
}

TEST_F(ProbeTest, WaitsForAServerThatAppearsLater) {
  start();
  run_for(loop_, milliseconds(30));
  EXPECT_EQ(answers_, 0);
  serve({Reply::Http});
  EXPECT_TRUE(answered());
  EXPECT_EQ(server_->accepted(), 1);
}

TEST_F(ProbeTest, FindsTheOnlyAddressWithAListener) {
  serve({Reply::Http}, "::1");
  start_and_wait();
}

TEST_F(ProbeTest, ReportsTheAddressThatAnswers) {
  serve({Reply::Http}, "::1");
  start_and_wait();
  EXPECT_EQ(answer_.from.text(), at("[::1]"));
  EXPECT_EQ(answer_.stranger, "");
}

class ProbeWithStrangerTest : public ProbeTest {
 protected:
  // A stranger listens on 127.0.0.1, the address that the probe tries first.
  ProbeWithStrangerTest() {
    strangers_address_ = at("127.0.0.1");
    serve({Reply::Http});
  }

  void serve_tree() {
    tree_.emplace(loop_, Address{.host = "::1", .port = port_}, std::vector{Reply::Http});
  }

  void start_asking_strangers() {
    start();
    probe_->start(/*strangers=*/true);
    ASSERT_TRUE(answered());
  }

  std::optional<Server> tree_;
};

TEST_F(ProbeWithStrangerTest, SendsTheStrangerNoRequest) {
  start();
  ASSERT_TRUE(run_until(loop_, [this] { return strangers_ >= 3; }));
  EXPECT_EQ(answers_, 0);
  EXPECT_EQ(server_->accepted(), 1) << "one connection is enough to find the stranger";
  EXPECT_EQ(server_->open(), 0);
  EXPECT_EQ(server_->resets(), 0);
}

TEST_F(ProbeWithStrangerTest, PrefersTheTree) {
  serve_tree();
  start_and_wait();
  EXPECT_EQ(answer_.from.text(), at("[::1]"));
}

TEST_F(ProbeWithStrangerTest, FindsTheTreeWhenItListensLater) {
  start();
  ASSERT_TRUE(run_until(loop_, [this] { return strangers_ > 0; }));
  serve_tree();
  ASSERT_TRUE(answered());
  EXPECT_EQ(answer_.stranger, "");
}

TEST_F(ProbeWithStrangerTest, AsksTheStrangerOnRequest) {
  start_asking_strangers();
  EXPECT_EQ(answer_.from.text(), strangers_address_);
  EXPECT_EQ(answer_.stranger, "pid 9");
}

TEST_F(ProbeWithStrangerTest, PrefersTheTreeIfItMayAskTheStranger) {
  serve_tree();
  start_asking_strangers();
  EXPECT_EQ(answer_.stranger, "");
}

TEST_F(ProbeWithStrangerTest, FindsTheTreeAfterTheStrangerHasAnswered) {
  start_asking_strangers();
  answers_ = 0;
  probe_->start_instead();
  serve_tree();
  ASSERT_TRUE(answered());
  EXPECT_EQ(answer_.stranger, "");
}

TEST_F(ProbeTest, OpensOnlyOneConnectionIfBothAddressesListen) {
  serve({Reply::Silence}, "localhost");
  start();
  ASSERT_TRUE(run_until(loop_, [this] { return server_->accepted() > 0; }));
  run_for(loop_, milliseconds(50));
  EXPECT_EQ(server_->accepted(), 1);
}

TEST_F(ProbeTest, TriesAgainAfterConnectionsThatAreClosedOrReset) {
  serve({Reply::Close, Reply::Reset, Reply::Close, Reply::Reset, Reply::Http});
  start_and_wait();
  EXPECT_EQ(server_->accepted(), 5);
}

TEST_F(ProbeTest, SendsGetToAServerThatFailsOnHead) {
  serve({Reply::HttpToGet});
  start_and_wait("localhost", Probe::For::Response, "/ready");
  EXPECT_EQ(server_->accepted(), 2);
  EXPECT_TRUE(server_->request().starts_with("GET /ready HTTP/1.1\r\n"));
}

TEST_F(ProbeTest, AcceptsTheCloseOfAServerThatHasReadHeadAndGet) {
  serve({Reply::CloseAfterRequest, Reply::Reset, Reply::CloseAfterRequest});
  start_and_wait();
  EXPECT_FALSE(answer_.is_response);
  EXPECT_EQ(server_->accepted(), 4) << "a reset between two closes begins the count again";
  EXPECT_EQ(server_->open(), 0);
}

// A Node server without an error handler ends when a connection is reset.
TEST_F(ProbeTest, DoesNotResetAConnectionThatTheServerHasHalfClosed) {
  serve({Reply::EndsAfterRequest, Reply::HttpAndEnds});
  start_and_wait();
  EXPECT_TRUE(run_until(loop_, [this] { return server_->open() == 0; }));
  EXPECT_EQ(server_->accepted(), 2);
  EXPECT_EQ(server_->resets(), 0);
}

// If the server is killed at that moment, its FIN could cross the probe's.
TEST_F(ProbeTest, StopResetsAConnectionThatOnlyTheProbeHasEnded) {
  serve({Reply::HttpAndStays});
  start_and_wait();
  ASSERT_TRUE(run_until(loop_, [this] { return server_->ends() == 1; }));
  EXPECT_FALSE(server_->is_last_gone());
  probe_->stop();
  EXPECT_TRUE(run_until(loop_, [this] { return server_->is_last_gone(); }));
}

TEST_F(ProbeTest, ClosesAConnectionThatTheServerDoesNotEnd) {
  serve({Reply::HttpAndStays});
  start_and_wait();
  ASSERT_TRUE(run_until(loop_, [this] { return server_->ends() == 1; }));
  run_for(loop_, 2 * kHalfClosedFor);
  probe_->stop();
  EXPECT_FALSE(server_->is_last_gone()) << "the probe had closed it without a reset";
}

// A server that binds without SO_REUSEADDR could not start again.
TEST_F(ProbeTest, LeavesNoTimeWaitOnThePortOfAServerThatCloses) {
  serve({Reply::CloseAfterRequest, Reply::HttpAndClose});
  start_and_wait();
  server_.reset();
  EXPECT_TRUE(run_until(
      loop_, [this] { return can_be_bound(resolve({.host = "127.0.0.1", .port = port_}).front()); },
      milliseconds(5'000)));
}

TEST_F(ProbeTest, DoesNotWaitForTheEndOfAnEndlessBody) {
  serve({Reply::HttpToGet});
  start_and_wait();
  const auto begun = std::chrono::steady_clock::now();
  while (server_->open() > 0 && std::chrono::steady_clock::now() - begun < milliseconds(5'000)) {
    server_->send("data: x\n\n");
    run_for(loop_, milliseconds(100));
  }
  EXPECT_EQ(server_->open(), 0);
}

TEST_F(ProbeTest, SlowsDownIfConnectionsBringNoAnswer) {
  serve({Reply::Close});
  start();
  ASSERT_TRUE(run_until(loop_, [this] { return server_->accepted() > 10; }));
  const int before = server_->accepted();
  run_for(loop_, milliseconds(1'000));
  EXPECT_LT(server_->accepted() - before, 60) << "a server may print a traceback each time";
}

TEST_F(ProbeTest, ReportsWhyThereIsNoAnswer) {
  start();
  ASSERT_TRUE(run_until(loop_, [this] { return sights_.size() == 1; }));
  EXPECT_EQ(sights_.back().is, Sight::Is::NoListener);
  EXPECT_EQ(sights_.back().address.substr(sights_.back().address.rfind(':')),
            ":" + std::to_string(port_));
  serve({Reply::Garbage});
  ASSERT_TRUE(run_until(loop_, [this] { return sights_.size() == 2; }));
  EXPECT_EQ(sights_.back().is, Sight::Is::NotHttp);
  EXPECT_EQ(sights_.back().beginning, "SSH-2.0-OpenSSH\r\n");
}

TEST_F(ProbeTest, ReportsASilentConnection) {
  serve({Reply::Silence});
  start("127.0.0.1");
  ASSERT_TRUE(run_until(loop_, [this] { return !sights_.empty(); }));
  EXPECT_EQ(sights_, (std::vector<Sight>{
                         {.is = Sight::Is::Silence, .address = at("127.0.0.1"), .beginning = {}}}));
}

TEST_F(ProbeTest, ReportsNothingAboutAServerThatAnswersQuickly) {
  serve({Reply::Http});
  start_and_wait();
  run_for(loop_, milliseconds(600));
  EXPECT_TRUE(sights_.empty());
}

TEST_F(ProbeTest, DoesNotAcceptAnotherProtocolAsAnAnswer) {
  serve({Reply::Garbage, Reply::Garbage, Reply::Http});
  start_and_wait();
  EXPECT_EQ(server_->accepted(), 3);
}

TEST_F(ProbeTest, WaitsOnOneConnectionForAnAnswerThatComesInPieces) {
  serve({Reply::SlowHttp});
  start();
  ASSERT_TRUE(run_until(loop_, [this] { return server_->open() == 1; }));
  run_for(loop_, milliseconds(50));
  EXPECT_EQ(server_->accepted(), 1);
  EXPECT_EQ(answers_, 0);
  server_->send("TP/1");
  run_for(loop_, milliseconds(20));
  EXPECT_EQ(answers_, 0);
  server_->send(".0 200 OK\r\n");
  EXPECT_TRUE(answered());
}

TEST_F(ProbeTest, ReportsOneAnswerAndClosesTheConnectionSoon) {
  serve({Reply::Http});
  start_and_wait();
  EXPECT_EQ(server_->open(), 1) << "not cut while the response may still be arriving";
  EXPECT_TRUE(run_until(loop_, [this] { return server_->open() == 0; }))
      << "a server with one thread that ignores `Connection: close` must not be blocked for long";
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(server_->accepted(), 1);
}

TEST_F(ProbeTest, StopsAndStartsAgain) {
  serve({Reply::Silence, Reply::Http});
  start();
  ASSERT_TRUE(run_until(loop_, [this] { return server_->open() == 1; }));
  probe_->stop();
  EXPECT_TRUE(run_until(loop_, [this] { return server_->open() == 0; }));
  run_for(loop_, milliseconds(20));
  EXPECT_EQ(answers_, 0);
  EXPECT_EQ(server_->accepted(), 1);
  probe_->start();
  EXPECT_TRUE(answered());
}

int count_descriptors() {
  int count = 0;
  DIR* directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

TEST_F(ProbeTest, LeaksNoDescriptor) {
  start();
  run_for(loop_, milliseconds(20));
  const int before = count_descriptors();
  run_for(loop_, milliseconds(100));
  probe_->start();
  run_for(loop_, milliseconds(100));
  EXPECT_EQ(count_descriptors(), before);
}

}  // namespace
}  // namespace hpp::supervisord
