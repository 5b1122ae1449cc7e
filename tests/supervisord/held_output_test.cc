#include "supervisord/held_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/os/pipe.h"
#include "tests/support/run_until.h"

namespace hpp::supervisord {
namespace {

using testing::ElementsAre;

class HeldOutputTest : public testing::Test {
 protected:
  HeldOutputTest() {
    std::vector<UniqueFd> readers;
    readers.push_back(std::move(out_.reader));
    readers.push_back(std::move(err_.reader));
    held_.emplace(loop_, std::move(readers));
  }

  static std::size_t write(const Pipe& pipe, const std::string& text) {
    const ssize_t written = ::write(pipe.writer.get(), text.data(), text.size());
    return written < 0 ? 0 : static_cast<std::size_t>(written);
  }

  void read() { run_for(loop_, std::chrono::milliseconds(20)); }

  Loop loop_;
  Pipe out_ = make_pipe();
  Pipe err_ = make_pipe();
  std::optional<HeldOutput> held_;
};

TEST_F(HeldOutputTest, KeepsEachStreamForItsNextReader) {
  write(out_, "one\n");
  write(err_, "two\n");
  read();
  write(out_, "later\n");
  EXPECT_THAT(held_->take_texts(), ElementsAre("one\n", "two\n"));
  const std::vector<UniqueFd> readers = held_->take_readers();
  char bytes[100];
  EXPECT_EQ(::read(readers[0].get(), bytes, sizeof bytes), 6) << "what it has not read";
}

TEST_F(HeldOutputTest, ReadsNoMoreThanItsLimit) {
  set_nonblocking(out_.writer.get());
  std::size_t written = 0;
  for (int i = 0; i < 100; ++i) {
    written += write(out_, std::string(4096, 'x'));
    if (i % 4 == 0) run_for(loop_, std::chrono::milliseconds(2));
  }
  EXPECT_LT(written, 100U * 4096) << "the process must block";
  EXPECT_EQ(held_->take_texts().front().size(), kHeldMax);
}

TEST_F(HeldOutputTest, FindsTheLastLine) {
  EXPECT_EQ(held_->last_line(), "");
  write(out_, "first\nsecond\n\n");
  EXPECT_EQ(held_->last_line(), "second");
  write(err_, "Traceback\n  ImportError: x\r\n");
  EXPECT_EQ(held_->last_line(), "  ImportError: x") << "stderr comes first";
}

TEST_F(HeldOutputTest, SurvivesTheEndOfAStream) {
  write(out_, "bye\n");
  out_.writer.reset();
  read();
  EXPECT_EQ(held_->last_line(), "bye");
  EXPECT_THAT(held_->take_texts(), ElementsAre("bye\n", ""));
}

}  // namespace
}  // namespace hpp::supervisord
