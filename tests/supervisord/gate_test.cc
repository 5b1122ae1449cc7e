#include "supervisord/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "common/os/file.h"
#include "tests/support/run_until.h"

namespace hpp::supervisord {
namespace {

using testing::ElementsAre;

class GateTest : public testing::Test {
 protected:
  void write(const std::string& text) {
    ASSERT_EQ(::write(gate_.child_end(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  // Waits until there are this many events.
  void wait(std::size_t count) {
    EXPECT_TRUE(run_until(loop_, [&] { return events_.size() >= count; }));
  }

  void note(const spare::Event& event) {
    if (const auto* line = std::get_if<spare::Line>(&event)) {
      events_.push_back((line->of == spare::Of::Spare ? "spare: " : "server: ") + line->text);
    } else {
      events_.emplace_back("closed");
    }
    if (events_.back() == close_at_) gate_.close();
  }

  Loop loop_;
  std::vector<std::string> events_;
  std::string close_at_;
  Gate gate_{loop_, spare::Of::Spare, [this](const spare::Event& event) { note(event); }};
};

TEST_F(GateTest, ReadsLines) {
  write("hello 1 a\nenv A=b\nrea");
  wait(2);
  write("dy 1 2\n");
  wait(3);
  EXPECT_THAT(events_, ElementsAre("spare: hello 1 a", "spare: env A=b", "spare: ready 1 2"));
  gate_.promote();
  write("go\n");
  gate_.close_child_end();
  wait(5);
  EXPECT_THAT(std::vector(events_.begin() + 3, events_.end()), ElementsAre("server: go", "closed"));
}

TEST_F(GateTest, ReadsAtOnceWhatHasArrived) {
  write("go\nvariable A\n");
  gate_.read_now();
  EXPECT_THAT(events_, ElementsAre("spare: go", "spare: variable A"));
  gate_.read_now();
  EXPECT_EQ(events_.size(), 2U);
  gate_.close();
  gate_.read_now();
  EXPECT_EQ(events_.size(), 2U);
}

TEST_F(GateTest, CallsNothingAfterItWasClosed) {
  close_at_ = "spare: b";
  write("a\nb\nc\n");
  wait(2);
  run_for(loop_, std::chrono::milliseconds(20));
  EXPECT_THAT(events_, ElementsAre("spare: a", "spare: b"));
}

TEST_F(GateTest, ALineHasALimit) {
  const std::string piece(1024, 'x');
  for (std::size_t sent = 0; sent <= kGateLineMax; sent += piece.size()) {
    write(piece);
    run_for(loop_, std::chrono::milliseconds(2));
  }
  wait(1);
  EXPECT_THAT(events_, ElementsAre("closed"));
}

TEST_F(GateTest, SendsLinesAndTheirEnd) {
  gate_.send("record /list\n");
  gate_.end_lines();
  EXPECT_EQ(read_all(gate_.child_end()), "record /list\n");
  write("hello 1 a\n");
  wait(1);
  EXPECT_THAT(events_, ElementsAre("spare: hello 1 a"));
}

TEST_F(GateTest, SendingToAProcessThatHasGoneIsNoError) {
  gate_.close_child_end();
  gate_.send("open\n");
  gate_.end_lines();
  wait(1);
  EXPECT_THAT(events_, ElementsAre("closed"));
}

}  // namespace
}  // namespace hpp::supervisord
