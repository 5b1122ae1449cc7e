// Runs the look at the queues against every interleaving with a user who saves, and with a watchd
// that reads, publishes, dies, and is started again.
#include "proxyd/core/idle_look.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace hpp::proxyd {
namespace {

// A set of queues as watchd has handed it over. Here, one save is one event.
struct Set {
  std::uint64_t page = 0;
  bool is_connected = true;  // false: watchd has died, or has sent another set
  int queue = 0;             // number of the kernel's queue
};

// The files, the kernel, watchd and proxyd. Snapshot N + 1 of watchd contains the saves up to N.
struct World {
  int saves = 0;
  std::vector<int> unread = {0};  // events in each of the kernel's queues
  std::vector<Set> sets = {{.page = 1}};
  int published = 0;  // saves in watchd's newest snapshot
  int read = 0;       // saves that watchd knows
  bool is_alive = true;
  std::string trace;

  Set& newest() { return sets.back(); }

  void write_page(std::uint64_t value) { newest().page = value; }
};

struct Step {
  const char* name;
  bool (*can)(const World&);
  void (*act)(World&);
};

bool is_marked(const World& w) {
  return w.is_alive && w.sets.back().page == 0;
}

const std::vector<Step> kSteps{
    {"save", [](const World& w) { return w.saves < 2; },
     [](World& w) {
       ++w.saves;
       for (int& unread : w.unread) ++unread;
     }},
    {"mark", [](const World& w) { return w.is_alive && w.sets.back().page != 0; },
     [](World& w) { w.write_page(0); }},
    {"read", is_marked,
     [](World& w) {
       w.read = w.saves;
       w.unread[static_cast<std::size_t>(w.newest().queue)] = 0;
     }},
    {"publish", [](const World& w) { return w.is_alive && w.published != w.read; },
     [](World& w) { w.published = w.read; }},
    {"idle", [](const World& w) { return is_marked(w) && w.published == w.read; },
     [](World& w) { w.write_page(static_cast<std::uint64_t>(w.published) + 1); }},
    {"die", [](const World& w) { return w.is_alive && w.sets.size() < 3; },
     [](World& w) {
       w.is_alive = false;
       w.newest().is_connected = false;
     }},
    {"start with the kept queue", [](const World& w) { return !w.is_alive; },
     [](World& w) {
       w.is_alive = true;
       w.sets.push_back({.queue = w.newest().queue});
     }},
    {"start with a new queue", [](const World& w) { return !w.is_alive; },
     [](World& w) {
       w.is_alive = true;
       w.read = w.published = w.saves;  // the loss of the queue counts as a change
       w.unread.push_back(0);
       w.sets.push_back({.queue = static_cast<int>(w.unread.size()) - 1});
     }},
    {"open another queue", [](const World& w) { return is_marked(w) && w.sets.size() < 3; },
     [](World& w) {
       w.newest().is_connected = false;
       w.read = w.saves;
       w.unread.push_back(0);
       w.sets.push_back({.queue = static_cast<int>(w.unread.size()) - 1});
     }},
};

// Between two looks of proxyd, the world makes up to `budget` steps. Each run makes other choices.
class Run {
 public:
  // `choices`: the numbers of the steps to make, and where they end, for each decision.
  explicit Run(std::vector<std::size_t>& choices) : choices_(choices) {}

  World world;
  int budget = 7;

  // Makes the steps that come before the next look.
  void pass() {
    while (budget > 0) {
      std::vector<const Step*> possible;
      for (const Step& step : kSteps) {
        if (step.can(world)) possible.push_back(&step);
      }
      const std::size_t choice = choose(possible.size() + 1);
      if (choice == possible.size()) return;  // proxyd's turn
      --budget;
      world.trace += std::string(", ") + possible[choice]->name;
      possible[choice]->act(world);
    }
  }

  // Prepares the next run. Returns false if there is none.
  bool advance() const {
    while (!choices_.empty()) {
      if (++choices_.back() < limits_[choices_.size() - 1]) return true;
      choices_.pop_back();
    }
    return false;
  }

 private:
  std::size_t choose(std::size_t limit) {
    if (at_ == choices_.size()) choices_.push_back(0);
    limits_.resize(at_ + 1);
    limits_[at_] = limit;
    return choices_[at_++];
  }

  std::vector<std::size_t>& choices_;
  std::vector<std::size_t> limits_;
  std::size_t at_ = 0;
};

// proxyd has the first set of queues.
struct Senses {
  std::uint64_t page() {
    sense("page");
    return run.world.sets.front().page;
  }

  bool queues_are_empty() {
    sense("queues");
    return run.world.unread.front() == 0;
  }

  bool is_in_place() { return true; }

  bool watchd_is_the_same() {
    sense("connection");
    return run.world.sets.front().is_connected;
  }

  void sense(const char* what) {
    run.pass();
    run.world.trace += std::string(", LOOK AT ") + what;
  }

  Run& run;
};

using Look = std::function<std::uint64_t(Senses&)>;

struct Outcome {
  long runs = 0;
  long vouched = 0;
  std::string stale;  // the trace of a run in which the look has missed a save
};

Outcome run_all(const Look& look) {
  Outcome outcome;
  std::vector<std::size_t> choices;
  for (bool is_more = true; is_more && outcome.stale.empty();) {
    Run run(choices);
    run.pass();
    const int saves = run.world.saves;
    run.world.trace += ", REQUEST";
    Senses senses{run};
    const std::uint64_t sequence = look(senses);
    ++outcome.runs;
    if (sequence != 0) ++outcome.vouched;
    const bool is_stale = sequence != 0 && sequence < static_cast<std::uint64_t>(saves) + 1;
    if (is_stale) outcome.stale = run.world.trace;
    is_more = run.advance();
  }
  return outcome;
}

TEST(IdleLook, MissesNoSaveInAnyInterleaving) {
  const Outcome outcome = run_all([](Senses& senses) { return idle_sequence(senses); });
  EXPECT_EQ(outcome.stale, "");
  EXPECT_GT(outcome.runs, 50'000);
  EXPECT_GT(outcome.vouched, 1'000);
}

// Each of these leaves out one look, or looks in another order. That shows that the interleavings
// include the ones that matter.
TEST(IdleLook, EveryOtherOrderMissesASave) {
  const std::vector<Look> wrong = {
      [](Senses& senses) {  // the page too early
        const std::uint64_t page = senses.page();
        return senses.queues_are_empty() && senses.watchd_is_the_same() ? page : 0;
      },
      [](Senses& senses) {  // the connection too early
        if (!senses.watchd_is_the_same() || !senses.queues_are_empty()) return std::uint64_t{0};
        return senses.page();
      },
      [](Senses& senses) {  // without the connection
        return senses.queues_are_empty() ? senses.page() : 0;
      },
      [](Senses& senses) {  // without the queues
        return senses.watchd_is_the_same() ? senses.page() : 0;
      }};
  for (const Look& look : wrong) EXPECT_NE(run_all(look).stale, "");
}

}  // namespace
}  // namespace hpp::proxyd
