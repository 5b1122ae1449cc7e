#include "common/event_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hpp {
namespace {

using testing::ElementsAre;

TEST(EventRunner, DispatchesAtOnce) {
  std::vector<int> taken;
  EventRunner<int> runner([&](int event) { taken.push_back(event); });
  runner.post(1);
  EXPECT_THAT(taken, ElementsAre(1));
  runner.post(2);
  EXPECT_THAT(taken, ElementsAre(1, 2));
}

// A runner whose events post further events. `log` records what happens, in order.
class Chain {
 public:
  EventRunner<std::string> runner{[this](const std::string& event) { dispatch(event); }};
  std::vector<std::string> log;

 private:
  void dispatch(const std::string& event) {
    log.push_back(event + " begins");
    if (event == "1") {
      runner.post("2");
      runner.post("3");
      runner.post_next("answer");
    }
    if (event == "die") {
      runner.post("never");
      runner.clear();
    }
    log.push_back(event + " ends");
  }
};

TEST(EventRunner, NeverInterleavesTheEffectsOfTwoEvents) {
  Chain chain;
  chain.runner.post("1");
  EXPECT_THAT(chain.log, ElementsAre("1 begins", "1 ends", "answer begins", "answer ends",
                                     "2 begins", "2 ends", "3 begins", "3 ends"));
}

TEST(EventRunner, PostNextWithoutARunningEventDispatchesAtOnce) {
  Chain chain;
  chain.runner.post_next("answer");
  EXPECT_THAT(chain.log, ElementsAre("answer begins", "answer ends"));
}

TEST(EventRunner, ClearDropsTheQueuedEvents) {
  Chain chain;
  chain.runner.post("die");
  chain.runner.post("4");
  EXPECT_THAT(chain.log, ElementsAre("die begins", "die ends", "4 begins", "4 ends"));
}

}  // namespace
}  // namespace hpp
