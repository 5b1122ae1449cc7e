#include "supervisord/core/brief.h"

#include <gtest/gtest.h>

#include <csignal>

#include "supervisord/core/facts.h"

namespace hpp::supervisord {
namespace {

std::string text_of(const Brief& brief) {
  return brief.headword + brief.text;
}

bus::BackendState crash(int code) {
  return {.exit = bus::BackendExit{.code = code, .signal = {}, .spawn_error = {}},
          .failure = bus::Failure::Crashed};
}

TEST(Brief, NamesTheErrorThatEndedTheServer) {
  bus::BackendState facts = crash(1);
  facts.error = bus::BackendError{
      .message = "SyntaxError: '(' was never closed", .file = "shop/views.py", .line = 5};
  const Brief brief = ended(facts, advice(/*has_keys=*/true));
  EXPECT_EQ(text_of(brief), "crashed (exit 1): SyntaxError: '(' was never closed  shop/views.py:5");
  EXPECT_EQ(brief.headword, "crashed");
  EXPECT_EQ(brief.advice, "save a fix, or press r + Enter");
  facts.error->line = 0;
  EXPECT_TRUE(text_of(ended(facts, "")).ends_with("closed  shop/views.py"));
  facts.error->file.clear();
  EXPECT_TRUE(text_of(ended(facts, "")).ends_with("never closed"));
}

TEST(Brief, SaysHowTheServerEndedIfThereIsNoError) {
  EXPECT_EQ(text_of(ended(crash(3), "")), "crashed (exit 3)");
  bus::BackendState facts = crash(0);
  facts.failure = bus::Failure::Ended;
  EXPECT_EQ(text_of(ended(facts, "")), "ended (exit 0)");
  facts.exit = bus::BackendExit{.code = {}, .signal = SIGSEGV, .spawn_error = {}};
  facts.failure = bus::Failure::Crashed;
  EXPECT_EQ(text_of(ended(facts, "")), "crashed (signal 11, Segmentation fault)");
  facts.problem = "the kernel killed it for lack of memory";
  EXPECT_EQ(text_of(ended(facts, "")),
            "crashed (signal 11, Segmentation fault): the kernel killed it for lack of memory");
  facts.exit.reset();
  facts.problem.clear();
  EXPECT_EQ(text_of(ended(facts, "")), "crashed");
}

TEST(Brief, SaysThatThereIsNoSuchCommand) {
  bus::BackendState facts = crash(127);
  facts.failure = bus::Failure::CommandNotFound;
  facts.error = bus::BackendError{.message = "sh: 1: srever: not found"};
  EXPECT_EQ(text_of(ended(facts, "")), "command not found (exit 127): sh: 1: srever: not found");
}

TEST(Brief, NamesTheErrorOfABuild) {
  StepEnded event{.status = {.number = 2}, .problem = {}, .output_tail = {}, .error = {}};
  EXPECT_EQ(text_of(build_failed(event, "make", "")), "build failed (exit 2): make");
  event.error = bus::BackendError{.message = "error: expected ';'", .file = "a.c", .line = 3};
  EXPECT_EQ(text_of(build_failed(event, "make", "")),
            "build failed (exit 2): error: expected ';'  a.c:3");
  event.error.reset();
  event.problem = "cannot be started: no memory";
  EXPECT_EQ(text_of(build_failed(event, "make", "")), "build failed: cannot be started: no memory");
}

TEST(Brief, SaysWhyTheServerIsRestarted) {
  EXPECT_EQ(text_of(restarting("a.py changed")), "a.py changed, restarting");
  EXPECT_EQ(text_of(restarting(kRequestedBySignal)), "restarting");
  EXPECT_EQ(text_of(restarting(kRequestedByBrowser)), "restarting, as a browser has asked");
}

TEST(Brief, KeepsTheStateOfOtherLines) {
  EXPECT_EQ(text_of(plain("Waiting: 2 s before the next start")),
            "waiting: 2 s before the next start");
  EXPECT_EQ(plain("Waiting: 2 s before the next start").headword, "waiting");
  for (const char* const text : {"hpp-watchd is not ready yet: starting", "", "one", ": x"}) {
    EXPECT_EQ(text_of(plain(text)), text);
    EXPECT_EQ(plain(text).headword, "") << text;
  }
}

TEST(Brief, HighlightsThePortInUse) {
  const Brief brief = port_in_use("port 1 is in use by pid 2 (x). End it with kill 2; hpp starts");
  EXPECT_EQ(brief.headword, "port 1 is in use");
  EXPECT_EQ(text_of(brief), "port 1 is in use by pid 2 (x). End it with kill 2; hpp starts");
}

TEST(Brief, ReplacesControlCharactersInForeignText) {
  bus::BackendState facts = crash(1);
  facts.error = bus::BackendError{.message = "a\033[31m", .file = "b\nc", .line = 1};
  EXPECT_EQ(text_of(ended(facts, "")), "crashed (exit 1): a?[31m  b?c:1");
}

TEST(Brief, NamesAWayToRestartWithoutKeys) {
  EXPECT_EQ(advice(/*has_keys=*/false), "save a fix, or run hpp-ctl restart");
}

}  // namespace
}  // namespace hpp::supervisord
