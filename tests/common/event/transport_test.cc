// A stream over a scripted transport, and the rules of PlainSocket.
#include "common/event/transport.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "common/event/stream.h"
#include "tests/support/run_until.h"

namespace hpp {
namespace {

// The result of the next call of write() or read().
struct Step {
  std::size_t bytes = 0;  // the most bytes that it takes or returns
  int error = 0;          // if not 0, the call fails with this errno value
};

// Reads and writes its socket, except where a step says otherwise. Each byte differs from that in
// the socket, as under TLS, so that a stream that bypasses the transport is detected.
class FakeTransport final : public Transport {
 public:
  using Transport::Transport;

  ssize_t read(void* bytes, std::size_t size) override {
    const ssize_t asked = next(reads, size);
    if (asked < 0) return asked;
    const ssize_t got = ::recv(fd(), bytes, static_cast<std::size_t>(asked), 0);
    auto* const text = static_cast<char*>(bytes);
    if (got > 0) std::for_each(text, text + got, [](char& byte) { byte = other(byte); });
    return got;
  }

  ssize_t write(const iovec* pieces, int count) override {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    }
    const ssize_t taken = next(writes, text.size());
    if (taken < 0) return taken;
    text.resize(static_cast<std::size_t>(taken));
    for (char& byte : text) byte = other(byte);
    return ::send(fd(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  void shut_down() override {
    ++shut_downs;
    ::shutdown(fd(), SHUT_WR);
  }

  Unread peek() override { return unread; }

  bool may_splice() const override { return false; }

  // Maps `a` to `b` and back, and so on.
  static char other(char byte) { return static_cast<char>(byte ^ 3); }

  std::deque<Step> reads;
  std::deque<Step> writes;
  Unread unread = Unread::Nothing;
  int shut_downs = 0;

 private:
  static ssize_t next(std::deque<Step>& steps, std::size_t size) {
    if (steps.empty()) return static_cast<ssize_t>(size);
    const Step step = steps.front();
    steps.pop_front();
    errno = step.error;
    return step.error != 0 ? -1 : static_cast<ssize_t>(std::min(step.bytes, size));
  }
};

class Recorder final : public StreamListener {
 public:
  void on_input() override {}

  void on_input_ended() override { ++ends; }

  void on_output_progress() override { ++progress; }

  void on_broken(int number) override { error = number; }

  int ends = 0;
  int progress = 0;
  int error = 0;
};

class TransportTest : public testing::Test {
 protected:
  TransportTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    peer_ = UniqueFd(ends[1]);
    auto transport = std::make_unique<FakeTransport>(UniqueFd(ends[0]));
    transport_ = transport.get();
    stream_ = std::make_unique<Stream>(loop_, std::move(transport), told_);
  }

  void peer_sends(std::string_view text) {
    ASSERT_EQ(::send(peer_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }

  // Returns the bytes that have arrived at the peer since the last call. Sets `ended_` at the end.
  std::string peer_reads() {
    std::string all;
    char piece[1024];
    for (;;) {
      const ssize_t got = ::recv(peer_.get(), piece, sizeof piece, 0);
      if (got == 0) ended_ = true;
      if (got <= 0) return all;
      all.append(piece, static_cast<std::size_t>(got));
    }
  }

  std::string input() { return std::string(stream_->input().pull_up(stream_->input().size())); }

  Loop loop_;
  Recorder told_;
  UniqueFd peer_;
  FakeTransport* transport_ = nullptr;
  std::unique_ptr<Stream> stream_;
  bool ended_ = false;
};

TEST_F(TransportTest, CarriesAllBytesInBothDirections) {
  peer_sends("ab");
  EXPECT_TRUE(run_until(loop_, [&] { return input() == "ba"; }));
  stream_->output().append("aab");
  stream_->flush();
  EXPECT_EQ(peer_reads(), "bba");
}

TEST_F(TransportTest, WritesTheRestAfterAShortWrite) {
  transport_->writes = {{.bytes = 1}, {.bytes = 2}};
  stream_->output().append("aabab");
  stream_->flush();
  EXPECT_TRUE(stream_->output_done());
  EXPECT_EQ(peer_reads(), "bbaba");
  EXPECT_EQ(told_.progress, 0) << "nothing had to wait";
}

TEST_F(TransportTest, WritesAgainWhenTheSocketTakesMore) {
  transport_->writes = {{.bytes = 1}, {.error = EAGAIN}};
  stream_->output().append("aab");
  stream_->finish_output();
  EXPECT_FALSE(stream_->output_done());
  EXPECT_EQ(transport_->shut_downs, 0) << "not before the last byte";
  EXPECT_TRUE(run_until(loop_, [&] { return stream_->output_done(); }));
  EXPECT_EQ(told_.progress, 1);
  EXPECT_EQ(transport_->shut_downs, 1);
  EXPECT_EQ(peer_reads(), "bba");
  EXPECT_TRUE(ended_);
}

TEST_F(TransportTest, WritesAgainAfterAnInterruption) {
  transport_->writes = {{.error = EINTR}};
  stream_->output().append("a");
  stream_->flush();
  EXPECT_EQ(peer_reads(), "b");
}

TEST_F(TransportTest, RefusesOutputAfterAFailedWrite) {
  transport_->writes = {{.error = EPIPE}};
  stream_->output().append("a");
  stream_->flush();
  EXPECT_FALSE(stream_->takes_output());
  EXPECT_TRUE(stream_->output_done()) << "it was dropped";
  peer_sends("a");
  EXPECT_TRUE(run_until(loop_, [&] { return input() == "b"; })) << "input is read to its end";
}

TEST_F(TransportTest, WaitsForIncompleteInput) {
  transport_->reads = {{.error = EAGAIN}};
  peer_sends("a");  // like half a TLS record
  run_for(loop_, Milliseconds{10});
  EXPECT_EQ(input(), "");
  EXPECT_FALSE(stream_->is_broken());
  peer_sends("b");
  EXPECT_TRUE(run_until(loop_, [&] { return input() == "ba"; }));
}

TEST_F(TransportTest, AFailedReadBreaksTheStream) {
  transport_->reads = {{.error = EPROTO}};
  peer_sends("a");
  EXPECT_TRUE(run_until(loop_, [&] { return told_.error == EPROTO; }));
  EXPECT_TRUE(stream_->is_broken());
}

TEST_F(TransportTest, ReportsTheEndOfTheInput) {
  peer_sends("a");
  ::shutdown(peer_.get(), SHUT_WR);
  EXPECT_TRUE(run_until(loop_, [&] { return told_.ends == 1; }));
  EXPECT_EQ(input(), "b");
}

TEST_F(TransportTest, PeekAnswersWhetherTheStreamIsQuiet) {
  EXPECT_TRUE(stream_->is_quiet_by_now());
  transport_->unread = Unread::Bytes;
  EXPECT_FALSE(stream_->is_quiet_by_now());
  EXPECT_FALSE(stream_->has_ended_by_now());
  transport_->unread = Unread::End;
  EXPECT_FALSE(stream_->is_quiet_by_now());
  EXPECT_TRUE(stream_->has_ended_by_now());
}

TEST_F(TransportTest, MovesWithTheConnectionToAnotherStream) {
  peer_sends("a");
  EXPECT_TRUE(run_until(loop_, [&] { return input() == "b"; }));
  Recorder next;
  Stream stream(*stream_, next);
  stream_.reset();
  EXPECT_FALSE(stream.may_splice());
  peer_sends("b");
  EXPECT_TRUE(run_until(loop_, [&] { return stream.input().size() == 2; }));
  EXPECT_EQ(stream.input().pull_up(2), "ba");
}

TEST_F(TransportTest, PlainSocketWritesAllPiecesInOneCall) {
  char first[] = "one, ";
  char second[] = "two";
  const iovec pieces[] = {{.iov_base = first, .iov_len = 5}, {.iov_base = second, .iov_len = 3}};
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  PlainSocket socket{UniqueFd(ends[0])};
  PlainSocket other{UniqueFd(ends[1])};
  EXPECT_TRUE(socket.may_splice());
  EXPECT_EQ(other.peek(), Unread::Nothing);
  EXPECT_EQ(socket.write(pieces, 2), 8);
  EXPECT_EQ(socket.write(pieces, 1), 5);
  EXPECT_EQ(other.peek(), Unread::Bytes);
  char bytes[20];
  EXPECT_EQ(other.read(bytes, sizeof bytes), 13);
  EXPECT_EQ(std::string_view(bytes, 13), "one, twoone, ");
  EXPECT_EQ(other.read(bytes, sizeof bytes), -1);
  EXPECT_EQ(errno, EAGAIN);
  socket.shut_down();
  EXPECT_EQ(other.peek(), Unread::End);
  EXPECT_EQ(other.read(bytes, sizeof bytes), 0);
}

}  // namespace
}  // namespace hpp
