#include "proxyd/core/error_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hpp::proxyd {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const bus::BackendState kCrashed{.state = bus::BackendPhase::Error,
                                 .generation = 3,
                                 .command = {"python3", "app.py"},
                                 .exit = bus::BackendExit{.code = 3},
                                 .output_tail = "Traceback\nNameError: x\n"};

std::string crashed(const bus::BackendState& backend, bool show = true, bool is_head = false) {
  return write_answer({.kind = Answer::Kind::Crashed}, {.is_head = is_head}, backend, show);
}

std::size_t content_length(const std::string& answer) {
  const std::string name = "Content-Length: ";
  return std::stoul(answer.substr(answer.find(name) + name.size()));
}

TEST(ErrorPage, ACrashShowsHowAndWhat) {
  const std::string answer = crashed(kCrashed);
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(answer, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("exit code 3"));
  EXPECT_THAT(answer, HasSubstr("python3 app.py"));
  EXPECT_THAT(answer, HasSubstr("Traceback\nNameError: x\n"));
  EXPECT_EQ(content_length(answer), answer.size() - answer.find("\r\n\r\n") - 4);
}

TEST(ErrorPage, OtherWaysToEnd) {
  bus::BackendState backend = kCrashed;
  backend.exit = bus::BackendExit{.signal = 11};
  EXPECT_THAT(crashed(backend), HasSubstr("signal 11"));
  backend.exit = bus::BackendExit{.spawn_error = "nosuch: No such file or directory"};
  EXPECT_THAT(crashed(backend), HasSubstr("nosuch: No such file or directory"));
  backend.exit.reset();
  backend.problem = "port 8001 is held by pid 7 (x)";
  EXPECT_THAT(crashed(backend), HasSubstr("port 8001 is held by pid 7 (x)"));
}

TEST(ErrorPage, StrangersSeeNoOutput) {
  const std::string answer = crashed(kCrashed, /*show=*/false);
  EXPECT_THAT(answer, HasSubstr("503"));
  EXPECT_THAT(answer, Not(HasSubstr("Traceback")));
  EXPECT_THAT(answer, Not(HasSubstr("app.py")));
}

TEST(ErrorPage, AHeadRequestGetsTheHeadAlone) {
  const std::string get = crashed(kCrashed);
  const std::string head = crashed(kCrashed, true, true);
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  EXPECT_EQ(content_length(head), content_length(get));
}

TEST(ErrorPage, ATailThatWasCutBeginsWithAWholeLine) {
  bus::BackendState backend = kCrashed;
  backend.output_tail = "half a line\nthe next\n";
  backend.output_tail.append(bus::kOutputTailMax - backend.output_tail.size(), 'x');
  EXPECT_THAT(crashed(backend), HasSubstr("\n\nthe next\n"));
  EXPECT_THAT(crashed(backend), Not(HasSubstr("half a line")));
  backend.output_tail = "a line\nthe next\n";
  EXPECT_THAT(crashed(backend), HasSubstr("\n\na line\nthe next\n"));
}

TEST(ErrorPage, EachKindSaysWhy) {
  for (const auto& [kind, option] : {std::pair{Answer::Kind::QueueFull, "--queue-limit"},
                                     std::pair{Answer::Kind::QueueTimeout, "--queue-timeout"}}) {
    const std::string text = write_answer({.kind = kind}, {}, kCrashed, false);
    EXPECT_THAT(text, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(text, HasSubstr("Retry-After: 1\r\n"));
    EXPECT_THAT(text, HasSubstr(option));
  }
  EXPECT_THAT(write_answer({.kind = Answer::Kind::Unrepeated}, {}, kCrashed, true),
              HasSubstr("not sent again"));
  EXPECT_THAT(write_answer({.kind = Answer::Kind::BadGateway,
                            .status = 502,
                            .why = "Your server's answer cannot be used: it is odd."},
                           {}, kCrashed, true),
              HasSubstr("it is odd"));
  const std::string refused = write_answer(
      {.kind = Answer::Kind::Refused, .status = 431, .why = "too big"}, {}, kCrashed, true);
  EXPECT_THAT(refused, HasSubstr("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  EXPECT_THAT(refused, HasSubstr("too big"));
  EXPECT_THAT(refused, Not(HasSubstr("Retry-After")));
}

}  // namespace
}  // namespace hpp::proxyd
