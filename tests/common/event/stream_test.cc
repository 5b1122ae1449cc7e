// A stream whose peer is a plain socket: which events it reports, and when.
#include "common/event/stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "common/event/listener.h"
#include "common/event/timer.h"
#include "common/os/socket_address.h"
#include "tests/support/run_until.h"

namespace hpp {
namespace {

// Records the events that the stream reports.
class Recorder : public StreamListener {
 public:
  virtual ~Recorder() = default;

  void on_input() override {
    ++inputs;
    if (at_input) at_input();
  }

  void on_input_ended() override { ++ends; }

  void on_end_in_sight() override { ++ends_in_sight; }

  void on_output_progress() override { ++progress; }

  void on_broken(int number) override {
    ++breaks;
    error = number;
  }

  std::function<void()> at_input;
  int inputs = 0;
  int ends = 0;
  int ends_in_sight = 0;
  int progress = 0;
  int breaks = 0;
  int error = 0;
};

constexpr std::size_t kMegabyte = 1024 * 1024;

class StreamTest : public testing::Test {
 protected:
  // A TCP connection, because tests need resets. Both ends are non-blocking.
  void SetUp() override {
    const auto addresses = resolve({.host = "127.0.0.1", .port = 0});
    auto sockets = listen_on(addresses);
    const SocketAddress bound = local_address(sockets[0].get());
    UniqueFd accepted;
    Listener listener(loop_, std::move(sockets[0]),
                      [&](UniqueFd fd, const SocketAddress&) { accepted = std::move(fd); });
    peer_ = start_connect(bound).fd;
    ASSERT_TRUE(run_until(loop_, [&] { return accepted.is_open(); }));
    stream_ = std::make_unique<Stream>(loop_, std::move(accepted), told_);
  }

  void TearDown() override {
    EXPECT_LE(told_.ends, 1);
    EXPECT_LE(told_.breaks, 1);
  }

  void peer_sends(const std::string& text) {
    ASSERT_EQ(::send(peer_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  // Reads the bytes that have arrived at the peer. Sets `ended_` if the stream's FIN has arrived.
  void peer_reads() {
    char piece[64 * 1024];
    for (;;) {
      const ssize_t got = ::recv(peer_.get(), piece, sizeof piece, 0);
      if (got == 0) ended_ = true;
      if (got < 0) peer_error_ = errno;
      if (got <= 0) return;
      received_.append(piece, static_cast<std::size_t>(got));
    }
  }

  template <class Condition>
  bool peer_reads_until(Condition condition) {
    return run_until(loop_, [&] {
      peer_reads();
      return condition();
    });
  }

  // Waits until an event of the counted kind has been reported.
  bool waits_for(const int& count) {
    return run_until(loop_, [&] { return count > 0; });
  }

  bool waits_for_input(std::string_view text) {
    return run_until(loop_, [&] { return input() == text; });
  }

  std::string input() { return std::string(stream_->input().pull_up(stream_->input().size())); }

  void write(std::string_view text) {
    stream_->output().append(text);
    stream_->flush();
  }

  // The peer's FIN arrives.
  void peer_ends() {
    ::shutdown(peer_.get(), SHUT_WR);
    EXPECT_TRUE(waits_for(told_.ends));
  }

  void reset_by_peer() {
    reset_on_close(peer_.get());
    peer_.reset();
  }

  Loop loop_;
  Recorder told_;
  UniqueFd peer_;
  std::unique_ptr<Stream> stream_;
  std::string received_;
  bool ended_ = false;
  int peer_error_ = 0;
};

TEST_F(StreamTest, ReadsInput) {
  peer_sends("hello");
  EXPECT_TRUE(waits_for_input("hello"));
  EXPECT_GE(told_.inputs, 1);
  peer_sends(" world");
  EXPECT_TRUE(waits_for_input("hello world"));
  EXPECT_FALSE(stream_->input_ended());
}

TEST_F(StreamTest, AsksTheKernelWhetherItIsQuietOrHasEnded) {
  EXPECT_TRUE(stream_->is_quiet_by_now());
  peer_sends("hello");
  EXPECT_FALSE(stream_->is_quiet_by_now());
  EXPECT_TRUE(waits_for_input("hello"));
  EXPECT_FALSE(stream_->is_quiet_by_now()) << "input() still has the bytes";
  stream_->input().drain(5);
  EXPECT_TRUE(stream_->is_quiet_by_now());
  EXPECT_FALSE(stream_->has_ended_by_now());
  peer_.reset();
  EXPECT_FALSE(stream_->is_quiet_by_now());
  EXPECT_TRUE(stream_->has_ended_by_now());
}

TEST_F(StreamTest, WritesOnFlush) {
  stream_->output().append("hello");
  run_for(loop_, Milliseconds{10});
  peer_reads();
  EXPECT_EQ(received_, "");
  stream_->flush();
  EXPECT_TRUE(stream_->output_done());
  EXPECT_TRUE(peer_reads_until([&] { return received_ == "hello"; }));
  EXPECT_EQ(told_.progress, 0) << "nothing had to wait";
}

TEST_F(StreamTest, WritesMoreThanTheSocketBuffers) {
  std::string content;
  while (content.size() < 32 * kMegabyte) content += std::to_string(content.size()) + ' ';
  write(content);
  EXPECT_FALSE(stream_->output_done());
  const std::size_t left = stream_->output().size();
  run_for(loop_, Milliseconds{50});
  EXPECT_EQ(told_.progress == 0, stream_->output().size() == left);
  stream_->flush();  // a flush while the socket is full writes nothing twice
  EXPECT_TRUE(peer_reads_until([&] { return received_.size() >= content.size(); }));
  EXPECT_TRUE(received_ == content);
  EXPECT_TRUE(stream_->output_done());
  EXPECT_GT(told_.progress, 0);
  write("more");
  EXPECT_TRUE(peer_reads_until([&] { return received_.ends_with("more"); }));
}

TEST_F(StreamTest, ReadsNothingWhilePaused) {
  stream_->read_while(false);
  stream_->read_while(false);
  const std::string piece(64 * 1024, 'x');
  std::size_t sent = 0;
  for (;;) {
    const ssize_t size = ::send(peer_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (size < 0) break;
    sent += static_cast<std::size_t>(size);
  }
  EXPECT_EQ(errno, EAGAIN) << "a paused stream exerts backpressure on the peer";
  run_for(loop_, Milliseconds{20});
  EXPECT_TRUE(stream_->input().empty());
  EXPECT_EQ(told_.inputs, 0);
  stream_->read_while(true);
  EXPECT_TRUE(run_until(loop_, [&] { return stream_->input().size() == sent; }));
}

TEST_F(StreamTest, StopsReadingAfterAPauseWithinACallback) {
  Recorder pausing;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  Stream stream(loop_, UniqueFd(ends[0]), pausing);
  const UniqueFd other(ends[1]);
  pausing.at_input = [&stream] { stream.read_while(false); };
  const std::string content(100 * 1024, 'x');
  ASSERT_EQ(::send(other.get(), content.data(), content.size(), 0),
            static_cast<ssize_t>(content.size()));
  run_for(loop_, Milliseconds{20});
  EXPECT_EQ(pausing.inputs, 1);
  EXPECT_LT(stream.input().size(), content.size());
}

TEST_F(StreamTest, ReportsTheFinAfterTheBytesBeforeIt) {
  peer_sends("last words");
  peer_ends();
  EXPECT_EQ(input(), "last words");
  EXPECT_TRUE(stream_->input_ended());
  EXPECT_FALSE(stream_->is_broken());
  run_for(loop_, Milliseconds{20});
  EXPECT_EQ(told_.ends, 1) << "once";
}

TEST_F(StreamTest, WritesAfterThePeersFin) {
  peer_ends();
  stream_->output().append("the answer");
  stream_->finish_output();
  EXPECT_TRUE(peer_reads_until([&] { return ended_; }));
  EXPECT_EQ(received_, "the answer");
}

TEST_F(StreamTest, ReadsAfterItsOwnFin) {
  stream_->output().append("the question");
  stream_->finish_output();
  EXPECT_TRUE(peer_reads_until([&] { return ended_; }));
  EXPECT_EQ(received_, "the question");
  peer_sends("the answer");
  EXPECT_TRUE(waits_for_input("the answer"));
}

TEST_F(StreamTest, SendsItsFinAfterAllOutput) {
  const std::string content(16 * kMegabyte, 'x');
  stream_->output().append(content);
  stream_->finish_output();
  EXPECT_FALSE(stream_->output_done());
  EXPECT_TRUE(peer_reads_until([&] { return ended_; }));
  EXPECT_EQ(received_.size(), content.size());
}

TEST_F(StreamTest, ReportsAReset) {
  reset_by_peer();
  EXPECT_TRUE(waits_for(told_.breaks));
  EXPECT_EQ(told_.error, ECONNRESET);
  EXPECT_TRUE(stream_->is_broken());
  EXPECT_EQ(told_.ends, 0);
  write("x");
  stream_->read_while(false);
  run_for(loop_, Milliseconds{20});
  EXPECT_EQ(told_.breaks, 1) << "once";
}

TEST_F(StreamTest, ReportsAFailedWriteFromTheLoop) {
  peer_ends();
  reset_by_peer();
  write("x");
  EXPECT_TRUE(stream_->is_broken());
  EXPECT_EQ(told_.breaks, 0) << "an event is never reported during a call";
  EXPECT_TRUE(waits_for(told_.breaks));
  EXPECT_TRUE(told_.error == ECONNRESET || told_.error == EPIPE) << told_.error;
}

TEST_F(StreamTest, ReportsAResetWhilePaused) {
  stream_->read_while(false);
  peer_sends("last words");
  run_for(loop_, Milliseconds{10});
  EXPECT_FALSE(stream_->end_in_sight());
  reset_by_peer();
  EXPECT_TRUE(waits_for(told_.ends_in_sight));
  EXPECT_TRUE(stream_->reset_in_sight());
  EXPECT_FALSE(stream_->is_broken());
  stream_->read_while(true);
  EXPECT_TRUE(waits_for(told_.breaks));
  EXPECT_EQ(input(), "last words");
  EXPECT_EQ(told_.error, ECONNRESET);
  EXPECT_EQ(told_.ends, 0);
}

TEST_F(StreamTest, ReportsAResetThatCameTogetherWithBytes) {
  peer_sends("last words");
  reset_by_peer();
  EXPECT_TRUE(waits_for(told_.breaks));
  EXPECT_EQ(input(), "last words");
  EXPECT_EQ(told_.error, ECONNRESET);
}

TEST_F(StreamTest, NoticesAnEndThatCameWithBytesReadBeforeThePause) {
  for (const bool resets : {false, true}) {
    SetUp();
    told_ = {};
    told_.at_input = [this] { stream_->read_while(false); };
    peer_sends(std::string(100 * 1024, 'x'));
    resets ? reset_by_peer() : peer_.reset();
    EXPECT_TRUE(waits_for(told_.ends_in_sight));
    EXPECT_EQ(told_.inputs, 1);
    EXPECT_EQ(stream_->reset_in_sight(), resets);
  }
}

TEST_F(StreamTest, ReadsTheInputThatPrecedesAFailedWrite) {
  stream_->read_while(false);
  peer_sends("last words");
  reset_by_peer();
  write("x");
  EXPECT_FALSE(stream_->takes_output());
  EXPECT_FALSE(stream_->is_broken());
  stream_->read_while(true);
  EXPECT_TRUE(waits_for(told_.breaks));
  EXPECT_EQ(input(), "last words");
}

TEST_F(StreamTest, ReportsAResetAfterTheFin) {
  peer_ends();
  reset_by_peer();
  EXPECT_TRUE(waits_for(told_.breaks));
}

// The read that was scheduled for later must not happen after the stream is broken and destroyed.
TEST_F(StreamTest, DoesNotReadAgainAfterItIsBroken) {
  peer_sends("not a full read");
  EXPECT_TRUE(waits_for(told_.inputs));
  peer_ends();
  reset_by_peer();
  write("x");
  EXPECT_TRUE(waits_for(told_.breaks));
  stream_.reset();
  run_for(loop_, 2 * Loop::kSoon);
  EXPECT_EQ(told_.breaks, 1);
}

TEST_F(StreamTest, NoticesAFinBehindUnreadBytes) {
  stream_->read_while(false);
  peer_sends("later");
  ::shutdown(peer_.get(), SHUT_WR);
  EXPECT_TRUE(waits_for(told_.ends_in_sight));
  EXPECT_TRUE(stream_->end_in_sight());
  EXPECT_EQ(told_.ends, 0);
  EXPECT_FALSE(stream_->all_is_read());
  stream_->read_while(true);
  EXPECT_TRUE(waits_for(told_.ends));
  EXPECT_EQ(input(), "later");
  stream_->input().drain(5);
  EXPECT_TRUE(stream_->all_is_read());
}

// Between the moment when the batch makes the stream's event active and its callback, another
// callback requests a read in the next turn. AddressSanitizer detects if the next turn uses the
// event of the destroyed stream.
TEST_F(StreamTest, ADestroyedStreamIsNotReadAgain) {
  peer_sends("not a full read");
  EXPECT_TRUE(waits_for(told_.inputs));
  bool is_gone = false;
  Timer asks(loop_, [&] {
    stream_->continue_later();
    loop_.later([&] {
      stream_.reset();
      is_gone = true;
    });
  });
  asks.start(Loop::kSoon + Milliseconds{1});  // due after the batch
  // Delays the loop until both are due in one turn.
  Timer delays(loop_, [] { std::this_thread::sleep_for(2 * Loop::kSoon); });
  delays.start(Milliseconds{0});
  EXPECT_TRUE(run_until(loop_, [&] { return is_gone; }));
  run_for(loop_, 2 * Loop::kSoon);
  EXPECT_EQ(told_.inputs, 1);
}

// Two streams of one loop. The first one is spliced into the second one.
class SpliceTest : public StreamTest {
 protected:
  void SetUp() override {
    StreamTest::SetUp();
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    source_ = std::make_unique<Stream>(loop_, UniqueFd(ends[0]), from_);
    writer_.reset(ends[1]);
    pipe_ = SplicePipe::make();
    ASSERT_TRUE(pipe_);
  }

  Recorder from_;
  std::unique_ptr<Stream> source_;
  UniqueFd writer_;
  std::unique_ptr<SplicePipe> pipe_;
};

TEST_F(SpliceTest, MovesBytesWithoutReadingThem) {
  source_->set_spliced(true);
  EXPECT_FALSE(source_->fill_pipe(*pipe_, kMegabyte)) << "no bytes have come";
  ASSERT_EQ(::send(writer_.get(), "hello world", 11, 0), 11);
  EXPECT_TRUE(run_until(loop_, [&] { return from_.inputs > 0; }));
  EXPECT_TRUE(source_->input().empty());
  EXPECT_TRUE(source_->fill_pipe(*pipe_, 5)) << "at most the requested number of bytes";
  EXPECT_EQ(pipe_->held(), 5U);
  EXPECT_TRUE(stream_->drain_pipe(*pipe_));
  source_->set_spliced(false);
  EXPECT_TRUE(run_until(loop_, [&] { return source_->input().size() == 6; })) << "the rest is read";
  EXPECT_TRUE(peer_reads_until([&] { return received_ == "hello"; }));
}

TEST_F(SpliceTest, WaitsForASlowPeerAndReportsProgress) {
  source_->set_spliced(true);
  const std::string piece(64 * 1024, 'x');
  std::size_t given = 0;
  for (bool all_went = true; all_went;) {
    ASSERT_TRUE(run_until(loop_, [&] {
      const ssize_t sent = ::send(writer_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
      return sent > 0 && source_->fill_pipe(*pipe_, piece.size());
    }));
    given += pipe_->held();
    all_went = stream_->drain_pipe(*pipe_);
  }
  EXPECT_GT(pipe_->held(), 0U);
  EXPECT_FALSE(stream_->drain_pipe(*pipe_)) << "the socket is still full";
  EXPECT_TRUE(peer_reads_until([&] { return told_.progress > 0; }));
  EXPECT_TRUE(
      peer_reads_until([&] { return stream_->drain_pipe(*pipe_) && received_.size() == given; }));
}

TEST_F(SpliceTest, ReportsTheEnd) {
  source_->set_spliced(true);
  writer_.reset();
  EXPECT_TRUE(run_until(loop_, [&] { return from_.inputs > 0; }));
  EXPECT_FALSE(source_->fill_pipe(*pipe_, kMegabyte));
  EXPECT_TRUE(source_->input_ended());
}

TEST_F(SpliceTest, KeepsTheBytesInThePipeIfThePeerHasGone) {
  source_->set_spliced(true);
  reset_by_peer();
  ASSERT_EQ(::send(writer_.get(), "x", 1, 0), 1);
  EXPECT_TRUE(run_until(loop_, [&] { return source_->fill_pipe(*pipe_, 1); }));
  EXPECT_TRUE(stream_->drain_pipe(*pipe_)) << "there is nothing to wait for";
  EXPECT_FALSE(stream_->takes_output());
}

TEST_F(StreamTest, ResetsThePeerIfRequested) {
  write("half of ");
  stream_->reset_on_close();
  stream_.reset();
  EXPECT_TRUE(peer_reads_until([&] { return ended_ || peer_error_ == ECONNRESET; }));
  EXPECT_FALSE(ended_);
}

TEST_F(StreamTest, ResetsThePeerUnlessItHasFinished) {
  stream_->reset_unless_finished();
  write("half of ");
  stream_.reset();
  EXPECT_TRUE(peer_reads_until([&] { return ended_ || peer_error_ == ECONNRESET; }));
  EXPECT_FALSE(ended_);
}

TEST_F(StreamTest, EndsWithAFinAfterFinishOutput) {
  const std::string content(kMegabyte, 'x');
  stream_->reset_unless_finished();
  stream_->output().append(content);
  stream_->finish_output();
  ASSERT_TRUE(run_until(loop_, [&] {
    if (!stream_->output_done()) peer_reads();
    return stream_->output_done();
  }));
  stream_.reset();  // the kernel has not sent all of it yet
  ASSERT_TRUE(peer_reads_until([&] { return ended_ || peer_error_ == ECONNRESET; }));
  EXPECT_TRUE(ended_);
  EXPECT_EQ(received_.size(), content.size());
}

TEST_F(StreamTest, AnotherStreamTakesTheConnectionOver) {
  peer_sends("read, ");
  EXPECT_TRUE(waits_for_input("read, "));
  stream_->output().append("written");
  const int inputs = told_.inputs;
  Recorder told;
  peer_sends("unread");
  Stream heir(*stream_, told);
  stream_.reset();
  heir.flush();
  EXPECT_TRUE(run_until(loop_, [&] { return heir.input().size() == 12; }));
  EXPECT_EQ(heir.input().pull_up(12), "read, unread");
  EXPECT_EQ(told_.inputs, inputs);
  peer_reads();
  EXPECT_EQ(received_, "written");
  peer_.reset();
  EXPECT_TRUE(waits_for(told.ends));
  EXPECT_EQ(told_.ends + told_.breaks, 0);
}

TEST_F(StreamTest, AnotherStreamTakesAnEndedConnectionOver) {
  peer_.reset();
  EXPECT_TRUE(waits_for(told_.ends));
  Recorder told;
  Stream heir(*stream_, told);
  EXPECT_TRUE(waits_for(told.ends));
}

TEST_F(StreamTest, ReportsNothingAfterItIsDestroyed) {
  peer_sends("x");
  stream_.reset();
  run_for(loop_, Milliseconds{10});
  EXPECT_EQ(told_.inputs + told_.ends + told_.breaks, 0);
}

}  // namespace
}  // namespace hpp
