#include "proxyd/connector.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <vector>

#include "proxyd/pool.h"
#include "tests/support/free_port.h"
#include "tests/support/run_until.h"

namespace hpp::proxyd {
namespace {

// Records the events of one connection.
struct Taken final : UpstreamListener {
  void on_upstream_opened() override { is_open = true; }

  void on_upstream_input() override {}

  void on_upstream_ended() override {}

  void on_upstream_progress() override {}

  void on_upstream_broken() override { is_broken = true; }

  bool is_open = false;
  bool is_broken = false;
  std::unique_ptr<Upstream> upstream;
};

class ConnectorTest : public testing::Test {
 protected:
  // The backend listens at the second address only.
  static std::vector<SocketAddress> addresses(std::uint16_t port) {
    return {resolve({.host = "127.0.0.1", .port = port})[0],
            resolve({.host = "127.0.0.2", .port = port})[0]};
  }

  void take(Pool& pool) {
    Taken& taken = taken_.emplace_back();
    taken.upstream = pool.take(/*fresh=*/false, &taken);
    if (taken.upstream->is_open()) taken.is_open = true;
  }

  // Takes one more connection after this many turns of the loop.
  void take_after(Pool& pool, int turns) {
    if (turns == 0) return take(pool);
    loop_.when_idle([this, &pool, turns] { take_after(pool, turns - 1); });
  }

  bool run_until_decided(std::size_t count) {
    return run_until(loop_, [this, count] {
      return taken_.size() == count &&
             std::all_of(taken_.begin(), taken_.end(),
                         [](const Taken& taken) { return taken.is_open || taken.is_broken; });
    });
  }

  Loop loop_;
  SplicePipes pipes_;
  std::deque<Taken> taken_;
};

TEST_F(ConnectorTest, EachConnectionTriesEachAddress) {
  const std::uint16_t port = free_port();
  const auto listeners = listen_on({addresses(port)[1]});
  for (int turns = 0; turns < 6; ++turns) {
    taken_.clear();
    Pool pool(loop_, pipes_, addresses(port));
    constexpr int kCount = 3;
    for (int i = 0; i < kCount; ++i) take_after(pool, i * turns);
    ASSERT_TRUE(run_until_decided(kCount));
    for (const Taken& taken : taken_) {
      EXPECT_TRUE(taken.is_open) << "with " << turns << " turns in between";
    }
    taken_.clear();
  }
}

TEST_F(ConnectorTest, DoesNotStayWithAnAddressOfAnotherProgram) {
  const std::uint16_t port = free_port();
  const auto all = addresses(port);
  const auto listeners = listen_on(all);
  Pool pool(loop_, pipes_, all);
  take(pool);  // to 127.0.0.1, in this turn
  pool.backend_answers_at(all[1].text());
  ASSERT_TRUE(run_until_decided(1));
  ASSERT_TRUE(taken_[0].is_open);
  EXPECT_EQ(taken_[0].upstream->peer().text(), all[1].text());
  taken_.clear();
}

TEST_F(ConnectorTest, IsBrokenIfNoAddressAccepts) {
  Pool pool(loop_, pipes_, addresses(free_port()));
  take(pool);
  ASSERT_TRUE(run_until_decided(1));
  EXPECT_TRUE(taken_[0].is_broken);
  EXPECT_EQ(taken_[0].upstream->connect_error(), ECONNREFUSED);
  taken_.clear();
}

TEST_F(ConnectorTest, ReportsThatDescriptorsHaveRunOut) {
  Pool pool(loop_, pipes_, addresses(free_port()));
  std::vector<UniqueFd> all;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{.rlim_cur = 64, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  do {
    all.emplace_back(::dup(0));
  } while (all.back().is_open());
  take(pool);
  EXPECT_TRUE(run_until_decided(1));
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(taken_[0].is_broken);
  EXPECT_EQ(taken_[0].upstream->connect_error(), EMFILE);
  taken_.clear();
}

}  // namespace
}  // namespace hpp::proxyd
