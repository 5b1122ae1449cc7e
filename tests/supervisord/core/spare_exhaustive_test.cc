// Tries every sequence of events up to a length, in a model of the spare and of the backend, and
// checks the guarantees of core/spare after each step.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "supervisord/core/spare.h"
#include "tests/support/walk.h"

namespace hpp::supervisord {
namespace {

using spare::Of;
using State = Spare::State;

#ifdef HPP_SANITIZED
constexpr int kDepth = 6;
#else
constexpr int kDepth = 7;
#endif

class World;

struct Move {
  const char* name;
  bool (*is_possible)(const World&);
  void (*make)(World&);
};

class World : public test::Rules {
 public:
  World() : core_({.is_wanted = true, .language = {}}) {
    take(spare::Begun{});
    start();
  }

  bool allows(const Move& move) const { return !has_stopped_ && move.is_possible(*this); }

  void make(const Move& move) { move.make(*this); }

  bool has_moved_on(const World&) const { return true; }

  // From every state, a server that uses its gate gets a spare, unless hpp has given up.
  void recover() {
    if (has_stopped_ || core_.state() == State::Off) return;
    if (core_.state() == State::Opened) say(Of::Server, "go");
    if (!server_runs_) {
      start();
      if (is_opened_) say(Of::Server, "go");
    }
    if (!server_said_hello_) say(Of::Server, "hello 1 a");
    see(Backend::State::Running);
    for (int i = 0; i < 2 && !spare_lives_; ++i) expire(kMemoryMin);
    if (!spare_said_hello_) say(Of::Spare, "hello 1 a");
    if (!spare_is_ready_) say(Of::Spare, "ready 1 1");
    require(core_.state() == State::Ready || core_.state() == State::Off, "no spare in the end");
  }

  static const std::vector<Move> kMoves;

 private:
  bool runs() const { return backend_ == Backend::State::Running; }

  bool is_quiet() const { return runs() || backend_ == Backend::State::Error; }

  void see(Backend::State state) {
    backend_ = state;
    take(spare::BackendSeen{.state = state,
                            .generation = generation_,
                            .seen = {.epoch = 1, .revision = files_},
                            .cold = {}});
  }

  void say(Of of, const std::string& text) {
    if (of == Of::Server && text.starts_with("hello") && !is_opened_) server_said_hello_ = true;
    if (of == Of::Spare && text.starts_with("hello")) spare_said_hello_ = true;
    if (of == Of::Server && text == "go" && is_opened_) {
      is_opened_ = false;
      has_gone_on_ = true;
    }
    take(spare::Line{of, text});
  }

  void expire(std::uint64_t memory) {
    is_memory_low_ = memory < kMemoryMin;
    take(spare::TimerExpired{memory});
  }

  void start() {
    is_start_due_ = true;
    is_opened_ = has_gone_on_ = false;
    server_runs_ = false;
    take(spare::StartDue{.generation = ++generation_, .changed = {}});
    require(!is_start_due_, "a start without an answer");
    server_runs_ = true;
    see(Backend::State::Loading);
  }

  void stop() {
    has_stopped_ = true;
    see(Backend::State::Stopping);
    require(!spare_lives_, "a spare outlives hpp");
  }

  void take(const spare::Event& event) {
    for (const spare::Effect& effect : core_.on(event)) {
      require(!is_last_, "an effect after the last one");
      std::visit([this](const auto& e) { perform(e); }, effect);
    }
    is_last_ = false;
    require(spare_lives_ == (core_.state() == State::Starting || core_.state() == State::Ready),
            "the core is wrong about its spare");
    require(core_.state() != State::Ready || (spare_said_hello_ && spare_is_ready_),
            "Ready without a word of the spare");
  }

  void perform(const spare::StartSpare&) {
    require(!spare_lives_, "two spares");
    require(is_quiet(), "a spare competes with a start");
    require(server_said_hello_, "a spare of a command that does not use its gate");
    require(!is_memory_low_, "a spare without memory");
    spare_lives_ = true;
    spare_said_hello_ = spare_is_ready_ = has_early_changed_ = false;
  }

  void perform(const spare::Inspect&) {
    is_last_ = false;
    spare_is_ready_ = inspection_passes_;
    take(spare::Inspected{inspection_passes_ ? "" : "listens"});
    is_last_ = true;
  }

  void perform(const spare::Compare&) {
    require(spare_lives_ && spare_is_ready_, "a spare that is not ready compares its files");
    compared_ = files_;
  }

  void perform(const spare::Discard&) {
    require(spare_lives_, "nothing to throw away");
    spare_lives_ = false;
  }

  void perform(const spare::Promote&) {
    require(std::exchange(is_start_due_, false), "a spare becomes the backend unasked");
    require(spare_lives_ && spare_is_ready_, "a spare that is not ready becomes the backend");
    require(compared_ == files_, "a gate opens before the files were compared");
    require(!has_early_changed_, "the spare may have read an old file");
    spare_lives_ = false;
    is_opened_ = true;
    is_last_ = true;
  }

  void perform(const spare::StartCold& e) {
    require(std::exchange(is_start_due_, false), "a cold start unasked");
    require(!e.because.empty(), "a cold start without a reason");
    require(!spare_lives_, "a spare outlives a cold start");
    server_said_hello_ = false;
    is_last_ = true;
  }

  void perform(const spare::Remember&) {}

  void perform(const SpareFailed& e) {
    require(e.generation == generation_, "a failure of another generation");
    require(is_opened_ || (sets_variable_ && has_gone_on_), "failed behind the gate");
    require(is_opened_ || backend_ == Backend::State::Loading, "a server that answers is killed");
    is_opened_ = has_gone_on_ = false;
    has_failed_ = true;
    is_last_ = true;
  }

  void perform(const Say&) {}

  void perform(const StartTimer&) { is_timer_due_ = true; }

  Spare core_;
  Backend::State backend_ = Backend::State::Starting;
  std::uint64_t generation_ = 0;
  std::uint64_t files_ = 0;     // grows with each change of a file
  std::uint64_t compared_ = 0;  // `files_` when the spare has compared its files
  bool server_runs_ = false;
  bool server_said_hello_ = false;
  bool is_opened_ = false;      // the server is a spare whose gate was opened, and has not gone on
  bool has_gone_on_ = false;    // the server is a spare whose gate was opened, and has gone on
  bool sets_variable_ = false;  // the event says so
  bool has_failed_ = false;     // SpareFailed was requested since the event
  bool spare_lives_ = false;
  bool spare_said_hello_ = false;
  bool spare_is_ready_ = false;
  bool has_early_changed_ = false;  // since the spare was started
  bool inspection_passes_ = true;
  bool is_memory_low_ = false;
  bool is_timer_due_ = false;
  bool is_start_due_ = false;
  bool is_last_ = false;  // no effect may follow
  bool has_stopped_ = false;
};

const std::vector<Move> World::kMoves{
    {"Runs", [](const World& w) { return w.server_runs_ && !w.runs(); },
     [](World& w) { w.see(Backend::State::Running); }},
    {"Timer", [](const World& w) { return w.is_timer_due_; },
     [](World& w) {
       w.is_timer_due_ = false;
       w.expire(kMemoryMin);
     }},
    {"TimerWithoutMemory", [](const World& w) { return w.is_timer_due_; },
     [](World& w) {
       w.is_timer_due_ = false;
       w.expire(kMemoryMin - 1);
     }},
    {"Change", [](const World& w) { return w.server_runs_; },
     [](World& w) {
       for (int i = 0; i < 2; ++i) {
         ++w.files_;
         w.see(Backend::State::Killing);
       }
       w.see(Backend::State::Killing);
       w.start();
     }},
    {"ChangeAndBuild", [](const World& w) { return w.server_runs_; },
     [](World& w) {
       w.see(Backend::State::Killing);
       w.see(Backend::State::Building);
       ++w.files_;
       w.start();
     }},
    {"Error", [](const World& w) { return w.server_runs_ && !w.is_opened_; },
     [](World& w) {
       w.take(spare::Ended{.of = Of::Server, .how = "exit code 1"});
       w.server_runs_ = false;
       w.see(Backend::State::Error);
     }},
    {"Start", [](const World& w) { return !w.server_runs_; }, [](World& w) { w.start(); }},
    {"EarlyFileChanges", [](const World& w) { return w.spare_lives_; },
     [](World& w) {
       w.has_early_changed_ = true;
       ++w.files_;
       w.take(spare::FilesChanged{.point = {.epoch = 1, .revision = w.files_},
                                  .paths = {"src/a.py", "conf/dev.env"},
                                  .is_all = true});
     }},
    {"RestartRequested", [](const World&) { return true; },
     [](World& w) { w.take(RestartRequested{}); }},
    {"ServerHello", [](const World& w) { return w.server_runs_ && !w.is_opened_; },
     [](World& w) { w.say(Of::Server, "hello 1 a"); }},
    {"ServerGoes", [](const World& w) { return w.is_opened_; },
     [](World& w) { w.say(Of::Server, "go"); }},
    {"ServerSetsVariable",
     [](const World& w) { return w.has_gone_on_ && w.backend_ == Backend::State::Loading; },
     [](World& w) {
       w.sets_variable_ = true;
       w.has_failed_ = false;
       w.say(Of::Server, "variable A");
       w.sets_variable_ = false;
       w.require(w.has_failed_, "a server with an old variable goes on");
       w.see(Backend::State::Killing);
       w.start();
     }},
    {"ServerIsCold", [](const World& w) { return w.is_opened_; },
     [](World& w) { w.say(Of::Server, "cold /a"); }},
    {"ServerEnds", [](const World& w) { return w.is_opened_; },
     [](World& w) { w.take(spare::Ended{.of = Of::Server, .how = "exit code 1"}); }},
    {"ServerCloses", [](const World& w) { return w.server_runs_; },
     [](World& w) { w.take(spare::Closed{Of::Server}); }},
    {"ServerLies", [](const World& w) { return w.server_runs_; },
     [](World& w) { w.say(Of::Server, "open"); }},
    {"SpareHello", [](const World& w) { return w.spare_lives_; },
     [](World& w) { w.say(Of::Spare, "hello 1 a"); }},
    {"SpareIsReady", [](const World& w) { return w.spare_lives_; },
     [](World& w) { w.say(Of::Spare, "ready 1 1"); }},
    {"SpareListens", [](const World& w) { return w.spare_lives_; },
     [](World& w) {
       w.inspection_passes_ = false;
       w.say(Of::Spare, "ready 1 1");
       w.inspection_passes_ = true;
     }},
    {"SpareLies", [](const World& w) { return w.spare_lives_; },
     [](World& w) { w.say(Of::Spare, "go"); }},
    {"SpareRefuses", [](const World& w) { return w.spare_lives_; },
     [](World& w) { w.say(Of::Spare, "refuse x"); }},
    {"SpareEnds", [](const World& w) { return w.spare_lives_; },
     [](World& w) { w.take(spare::Ended{.of = Of::Spare, .how = "exit code 1"}); }},
    {"Stop", [](const World&) { return true; }, [](World& w) { w.stop(); }},
};

TEST(SpareExhaustive, KeepsItsGuaranteesFromTheBeginning) {
  test::Walk<World, Move> walk(World::kMoves, kDepth, kDepth - 1);
  walk.from(World());
  EXPECT_GT(walk.histories(), 100'000);
}

}  // namespace
}  // namespace hpp::supervisord
