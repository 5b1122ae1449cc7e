#include "proxyd/core/pages/error_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace hpp::proxyd {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;

constexpr std::int64_t kNow = 1'700'000'000'000;
const Audience kDeveloper{.may_see_output = true, .now_ms = kNow};
const Audience kStranger{.may_see_output = false, .now_ms = kNow};

const RequestFacts kText{.is_safe = true};
const RequestFacts kHtml{.is_safe = true, .wanted = Wanted::Html};
const RequestFacts kJson{.is_safe = true, .wanted = Wanted::Json};

const bus::BackendState kCrashed{.state = bus::BackendPhase::Error,
                                 .generation = 3,
                                 .command = {"python3", "app.py"},
                                 .spawned_at_ms = kNow - 12'400,
                                 .exit = bus::BackendExit{.code = 3},
                                 .output_tail = "Traceback\nNameError: x\n",
                                 .cause = {.text = "a.py and 1 more changed",
                                           .changed = {"a.py", "b.py"},
                                           .at_ms = kNow - 12'900},
                                 .ended_at_ms = kNow - 12'000};

std::string write_answer(const Answer& answer, const RequestFacts& request,
                         const bus::BackendState& backend, const Audience& audience) {
  return write_own(error_answer(answer, request, backend, audience), request.is_head,
                   audience.now_ms);
}

std::string crashed(const bus::BackendState& backend, const RequestFacts& request = kText,
                    const Audience& audience = kDeveloper) {
  return write_answer({.kind = Answer::Kind::Crashed}, request, backend, audience);
}

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

std::size_t content_length(const std::string& answer) {
  const std::string name = "Content-Length: ";
  return std::stoul(answer.substr(answer.find(name) + name.size()));
}

TEST(ErrorPage, ACrashShowsTheReasonAndTheOutput) {
  const std::string answer = crashed(kCrashed);
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(answer, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Hpp-Generation: 3\r\n"));
  EXPECT_THAT(answer, HasSubstr("exit code 3"));
  EXPECT_THAT(answer, HasSubstr("python3 app.py"));
  EXPECT_THAT(answer, HasSubstr("Traceback\nNameError: x\n"));
  EXPECT_EQ(content_length(answer), body_of(answer).size());
}

TEST(ErrorPage, HasAButtonThatOpensTheEditor) {
  Audience audience = kDeveloper;
  EXPECT_THAT(crashed(kCrashed, kHtml, audience), Not(HasSubstr("Open in")));
  audience.editor = "vscode://file/p/a.py:5";
  EXPECT_THAT(crashed(kCrashed, kHtml, audience),
              HasSubstr("<a class=\"button\" href=\"vscode://file/p/a.py:5\">Open in VS Code</a>"));
  audience.editor = "/__hpp/open-editor";
  EXPECT_THAT(crashed(kCrashed, kHtml, audience), HasSubstr("data-post=\"/__hpp/open-editor\""));
  audience.may_see_output = false;
  EXPECT_THAT(crashed(kCrashed, kHtml, audience), Not(HasSubstr("open-editor")));
}

TEST(ErrorPage, NamesTheRequestThatTheServerHandled) {
  bus::BackendState backend = kCrashed;
  backend.failure = bus::Failure::Crashed;
  const Answer answer{.kind = Answer::Kind::Crashed, .why = "GET /a?<b>"};
  const std::string page = write_answer(answer, kHtml, backend, kDeveloper);
  EXPECT_THAT(page,
              HasSubstr("<title>Your server crashed while it handled GET /a?&lt;b&gt;</title>"));
  EXPECT_THAT(page, HasSubstr("<h1>Your server crashed while it handled GET /a?&lt;b&gt;</h1>"));
  EXPECT_THAT(write_answer(answer, kHtml, backend, kStranger), Not(HasSubstr("GET /a")));
  backend.failure = bus::Failure::PortInUse;
  EXPECT_THAT(write_answer(answer, kHtml, backend, kDeveloper), Not(HasSubstr("GET /a")));
}

TEST(ErrorPage, ANavigationLearnsWhyTheServerHasNotStarted) {
  const bus::BackendState backend{.generation = 3, .delay = "nothing listens on 127.0.0.1:8001"};
  const Answer answer{.kind = Answer::Kind::StillStarting};
  const std::string page = write_answer(answer, kHtml, backend, kDeveloper);
  EXPECT_THAT(page, HasSubstr("<h1>Your server is still starting</h1>"));
  EXPECT_THAT(page, HasSubstr("data-since=\"0\"")) << "a box for the output";
  EXPECT_THAT(write_answer(answer, kHtml, backend, kStranger), Not(HasSubstr("data-since=")));
  EXPECT_THAT(page, HasSubstr("Nothing listens on 127.0.0.1:8001."));
  EXPECT_THAT(page, HasSubstr("data-live=\"1\"")) << "it reloads when the server is ready";
  EXPECT_THAT(write_answer(answer, kHtml, backend, kStranger), Not(HasSubstr("8001")));
  EXPECT_THAT(write_answer(answer, kHtml, bus::BackendState{}, kDeveloper),
              HasSubstr("It has not answered for 10 seconds."));
}

const bus::BackendError kNameError{.message = "NameError: <x>",
                                   .file = "shop/app.py",
                                   .line = 12,
                                   .source = "def f():\n    return <x>\n\n",
                                   .source_line = 11};

TEST(ErrorPage, TheErrorComesFirst) {
  bus::BackendState backend = kCrashed;
  backend.error = kNameError;
  backend.failure = bus::Failure::Crashed;
  EXPECT_THAT(body_of(crashed(backend)),
              StartsWith("shop/app.py:12: NameError: <x>\n\n"
                         "     11 | def f():\n"
                         ">    12 |     return <x>\n"
                         "     13 | \n\n"
                         "Your server is not running: it ended with exit code 3\n"));
  const Json json = Json::parse(body_of(crashed(backend, kJson)));
  EXPECT_EQ(json["reason"], "crashed");
  EXPECT_EQ(json["error"]["message"], "NameError: <x>");
  EXPECT_EQ(json["error"]["file"], "shop/app.py");
  EXPECT_EQ(json["error"]["line"], 12);
  backend.failure = bus::Failure::BuildFailed;
  EXPECT_EQ(Json::parse(body_of(crashed(backend, kJson)))["reason"], "build_failed");
}

TEST(ErrorPage, TheErrorIsTheHeadline) {
  bus::BackendState backend = kCrashed;
  backend.error = kNameError;
  backend.failure = bus::Failure::BuildFailed;
  const std::string page = body_of(crashed(backend, kHtml));
  EXPECT_THAT(page, HasSubstr("<h1 class=\"error\">NameError: &lt;x&gt;</h1>"));
  EXPECT_THAT(page, HasSubstr("<b>The build failed</b>"));
  EXPECT_THAT(page, HasSubstr("<code>shop/app.py:12</code>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"line here\"><i>12</i>    return &lt;x&gt;\n</span>"));
  EXPECT_THAT(page, Not(HasSubstr("<x>")));
}

TEST(ErrorPage, FoldsTheFramesOfLibraries) {
  bus::BackendState backend = kCrashed;
  backend.output_tail = "one\ntwo\nthree\nfour\n";
  backend.error = kNameError;
  backend.error->frames = {{.file = "/usr/lib/x.py", .is_foreign = true, .output_line = 1},
                           {.file = "/usr/lib/y.py", .is_foreign = true, .output_line = 2}};
  EXPECT_THAT(body_of(crashed(backend, kHtml)),
              HasSubstr("<pre>one</pre><details><summary>2 lines in libraries</summary>"
                        "<pre>two\nthree</pre></details><pre>four</pre>"));
}

// The first line of a full tail may be incomplete, and is not shown. The others keep their numbers.
TEST(ErrorPage, FoldsTheRightLinesOfACutOutput) {
  bus::BackendState backend = kCrashed;
  const std::string last = "\ntwo\nthree\n";
  backend.output_tail = std::string(bus::kOutputTailMax - last.size(), 'x') + last;
  backend.error = kNameError;
  backend.error->frames = {{.file = "/usr/lib/x.py", .is_foreign = true, .output_line = 1}};
  EXPECT_THAT(body_of(crashed(backend, kHtml)),
              HasSubstr("<summary>1 line in libraries</summary><pre>two</pre></details>"
                        "<pre>three</pre>"));
}

// A frame cannot point beyond the output, whatever supervisord has published.
TEST(ErrorPage, IgnoresFramesBeyondTheOutput) {
  bus::BackendState backend = kCrashed;
  backend.error = kNameError;
  backend.error->frames = {{.is_foreign = true, .output_line = 1'000'000'000'000},
                           {.is_foreign = true, .output_line = 1, .output_lines = ~0ULL}};
  EXPECT_THAT(body_of(crashed(backend, kHtml)), HasSubstr("1 line in libraries"));
}

TEST(ErrorPage, TheTitleFitsTheFailure) {
  bus::BackendState backend = kCrashed;
  const auto expect = [&](bus::Failure failure, const std::string& title) {
    backend.failure = failure;
    EXPECT_THAT(crashed(backend, kHtml), HasSubstr("<h1>" + title + "</h1>"));
  };
  expect(bus::Failure::Crashed, "Your server has crashed");
  expect(bus::Failure::Ended, "Your server has ended");
  expect(bus::Failure::BuildFailed, "The build failed");
  expect(bus::Failure::CommandNotFound, "Command not found");
  expect(bus::Failure::CannotStart, "Your server cannot be started");
  expect(bus::Failure::CannotKill, "An old process cannot be ended");
  backend.problem = "port 8001 is in use by pid 7 (x)";
  expect(bus::Failure::PortInUse, "Port 8001 is in use");
}

TEST(ErrorPage, AReportIsComplete) {
  bus::BackendState backend = kCrashed;
  backend.error = kNameError;
  const std::string page = body_of(crashed(backend, kHtml));
  const auto begin = page.rfind("data-copy=");
  const std::string report = page.substr(begin, page.find("</button>", begin) - begin);
  for (const char* const part :
       {"Error: shop/app.py:12: NameError: &lt;x&gt;\n", "&gt;    12 |     return &lt;x&gt;\n",
        "Command: python3 app.py\n", "a.py and 1 more changed\n  a.py\n  b.py\n",
        "Output:\nTraceback\nNameError: x\n"}) {
    EXPECT_THAT(report, HasSubstr(part));
  }
}

TEST(ErrorPage, AStrangerSeesNoError) {
  bus::BackendState backend = kCrashed;
  backend.error = kNameError;
  for (const RequestFacts& request : {kText, kJson, kHtml}) {
    const std::string answer = crashed(backend, request, kStranger);
    for (const char* const secret : {"NameError", "app.py", "def f()"}) {
      EXPECT_THAT(answer, Not(HasSubstr(secret)));
    }
  }
  EXPECT_TRUE(Json::parse(body_of(crashed(backend, kJson, kStranger)))["error"].is_null());
}

TEST(ErrorPage, OtherWaysToEnd) {
  bus::BackendState backend = kCrashed;
  const auto expect = [&](const std::string& words, const std::string& title) {
    EXPECT_THAT(crashed(backend), HasSubstr(words));
    EXPECT_THAT(crashed(backend, kHtml), HasSubstr("<h1>" + title + "</h1>"));
  };
  expect("it ended with exit code 3", "Your server has crashed");
  backend.exit = bus::BackendExit{.code = 0};
  expect("it ended with exit code 0", "Your server has ended");
  backend.exit = bus::BackendExit{.signal = 11};
  expect("it was killed by signal 11 (Segmentation fault)", "Your server has crashed");
  backend.exit = bus::BackendExit{.spawn_error = "nosuch: No such file or directory"};
  expect("nosuch: No such file or directory", "Your server cannot be started");
  backend.exit.reset();
  backend.problem = "port 8001 is in use by pid 7 (x)";
  expect("port 8001 is in use by pid 7 (x)", "Your server cannot be started");
}

TEST(ErrorPage, SaysWhatStartsTheServerAgain) {
  bus::BackendState backend = kCrashed;
  const auto expect = [&](const std::string& next) {
    EXPECT_THAT(crashed(backend, kText), HasSubstr("\n" + next + "\n"));
    EXPECT_THAT(crashed(backend, kHtml),
                HasSubstr(">" + next + " This page then reloads by itself.<"));
  };
  expect("Save a file and hpp starts your server again.");
  backend.failure = bus::Failure::Crashed;
  backend.retry = {.tries = 1, .most = 2, .pause_ms = 1'000};
  expect("hpp starts it by itself: trying again in 1 s (1 of 2).");
  backend.retry = {.tries = 2, .most = 2};
  expect("hpp gave up after 2 tries (--retry). Save a file and hpp starts your server again.");
  backend.failure = bus::Failure::BuildFailed;  // a save has ended the row of tries
  expect("Save a file and hpp starts your server again.");
  backend.state = bus::BackendPhase::Running;
  expect("Save a file and hpp builds your server again.");
  backend.state = bus::BackendPhase::Error;
  backend.paused = true;
  expect("hpp is paused, so no save starts your server again. End the pause with hpp-ctl resume.");
  backend.exit = bus::BackendExit{.spawn_error = "nosuch: No such file or directory"};
  expect("hpp tries again until it can start your server.");
}

TEST(ErrorPage, ABrowserSeesWhatHappenedAndWhen) {
  const std::string answer = crashed(kCrashed, kHtml);
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_EQ(content_length(answer), body_of(answer).size());
  EXPECT_THAT(answer, HasSubstr("<p class=\"lead\">It ended with exit code 3.</p>"));
  EXPECT_THAT(answer, HasSubstr("<code>python3 app.py</code>"));
  EXPECT_THAT(answer, HasSubstr(">12 seconds ago</time>, 400 ms after its start"));
  EXPECT_THAT(answer, HasSubstr("a.py and 1 more changed"));
  EXPECT_THAT(answer, HasSubstr("<li><code>b.py</code></li>"));
  EXPECT_THAT(answer, HasSubstr("<pre>Traceback\nNameError: x</pre>"));
  EXPECT_THAT(answer, HasSubstr("data-generation=\"3\" data-live=\"1\" data-safe=\"1\""));
}

TEST(ErrorPage, ShowsItsAgeInWords) {
  bus::BackendState backend = kCrashed;
  for (const auto& [age, words] : {std::pair{-5'000, "just now"},
                                   {2'499, "just now"},
                                   {3'000, "3 seconds ago"},
                                   {60'000, "1 minute ago"},
                                   {3'600'000, "1 hour ago"},
                                   {172'800'000, "2 days ago"}}) {
    backend.ended_at_ms = kNow - age;
    EXPECT_THAT(crashed(backend, kHtml), HasSubstr(std::string(">") + words + "</time>")) << age;
  }
}

TEST(ErrorPage, AHalfClosedClientGetsTheReason) {
  const Answer answer{.kind = Answer::Kind::HalfClosed, .status = 503, .why = "It was not sent."};
  const Json json = Json::parse(body_of(write_answer(answer, kJson, {}, kDeveloper)));
  EXPECT_EQ(json["reason"], "half_closed");
  EXPECT_EQ(json["message"], "It was not sent.");
  EXPECT_EQ(body_of(write_answer(answer, kText, {}, kDeveloper)), "It was not sent.\n");
}

TEST(ErrorPage, ForeignTextIsEscaped) {
  bus::BackendState backend = kCrashed;
  const std::string evil = "<script>alert(1)</script>\"'&";
  backend.output_tail = evil;
  backend.command = {evil};
  backend.cause = {.text = evil, .changed = {evil, evil}};
  for (const std::string& problem : {std::string(), evil}) {
    backend.problem = problem;
    EXPECT_THAT(crashed(backend, kHtml), Not(HasSubstr("<script>alert")));
  }
  backend.problem.clear();
  backend.exit = bus::BackendExit{.spawn_error = evil};
  EXPECT_THAT(crashed(backend, kHtml), Not(HasSubstr("<script>alert")));
  for (const auto kind :
       {Answer::Kind::BadGateway, Answer::Kind::Shortage, Answer::Kind::Refused}) {
    const Answer answer{.kind = kind, .status = 400, .why = evil};
    EXPECT_THAT(write_answer(answer, kHtml, backend, kDeveloper), Not(HasSubstr("<script>alert")));
  }
}

TEST(ErrorPage, ColoursAreShown) {
  bus::BackendState backend = kCrashed;
  backend.output_tail = "\x1b[31mred\x1b[0m\n";
  EXPECT_THAT(crashed(backend, kHtml), HasSubstr("<span class=\"f1\">red</span>"));
  EXPECT_THAT(crashed(backend), HasSubstr("\x1b[31mred")) << "for a terminal";
}

TEST(ErrorPage, AProgramGetsJson) {
  const std::string answer = crashed(kCrashed, kJson);
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/json; charset=utf-8\r\n"));
  const Json json = Json::parse(body_of(answer));
  EXPECT_EQ(json["reason"], "crashed");
  EXPECT_EQ(json["live"], false);
  EXPECT_EQ(json["generation"], 3);
  EXPECT_EQ(json["exit_code"], 3);
  EXPECT_EQ(json["signal"], nullptr);
  EXPECT_EQ(json["output"], "Traceback\nNameError: x");
  EXPECT_EQ(json["changed"], Json({"a.py", "b.py"}));
  const Json refused = Json::parse(body_of(write_answer(
      {.kind = Answer::Kind::Refused, .status = 400, .why = "a \xff"}, kJson, {}, kDeveloper)));
  EXPECT_EQ(refused["reason"], "refused");
  EXPECT_EQ(refused["status"], 400);
}

TEST(ErrorPage, StrangersSeeNoOutput) {
  for (const RequestFacts& request : {kText, kHtml, kJson}) {
    const std::string answer = crashed(kCrashed, request, kStranger);
    EXPECT_THAT(answer, HasSubstr("503"));
    EXPECT_THAT(answer, HasSubstr("failed"));
    for (const char* secret : {"Traceback", "app.py", "a.py", "exit code"}) {
      EXPECT_THAT(body_of(answer), Not(HasSubstr(secret)));
    }
  }
}

TEST(ErrorPage, AHeadRequestGetsOnlyTheHead) {
  for (RequestFacts request : {kText, kHtml, kJson}) {
    const std::string get = crashed(kCrashed, request);
    request.is_head = true;
    const std::string head = crashed(kCrashed, request);
    EXPECT_THAT(head, EndsWith("\r\n\r\n"));
    EXPECT_EQ(content_length(head), content_length(get));
  }
}

TEST(ErrorPage, AWebSocketHandshakeGetsNoHtml) {
  RequestFacts request = kHtml;
  request.asks_upgrade = true;
  EXPECT_EQ(crashed(kCrashed, request), crashed(kCrashed, kText));
}

TEST(ErrorPage, ATruncatedOutputBeginsWithACompleteLine) {
  bus::BackendState backend = kCrashed;
  backend.output_tail = "half a line\nthe next\n";
  backend.output_tail.append(bus::kOutputTailMax - backend.output_tail.size(), 'x');
  EXPECT_THAT(crashed(backend), HasSubstr("\n\nthe next\n"));
  EXPECT_THAT(crashed(backend), Not(HasSubstr("half a line")));
  backend.output_tail = "a line\nthe next\n";
  EXPECT_THAT(crashed(backend), HasSubstr("\n\na line\nthe next\n"));
}

// If a reload got the same answer, the page would reload again and again.
TEST(ErrorPage, ReloadsOnlyIfTheAnswerCanChange) {
  const auto page = [](Answer::Kind kind, const RequestFacts& request) {
    return write_answer({.kind = kind, .status = 502, .why = "x"}, request, kCrashed, kDeveloper);
  };
  const auto waits_for = [](const std::string& generation, const std::string& live) {
    return HasSubstr("data-generation=\"" + generation + "\" data-live=\"" + live + "\"");
  };
  EXPECT_THAT(page(Answer::Kind::Crashed, kHtml), waits_for("3", "1"));
  EXPECT_THAT(page(Answer::Kind::BadGateway, kHtml), waits_for("3", "0"));
  EXPECT_THAT(page(Answer::Kind::QueueTimeout, kHtml), waits_for("0", "1"));
  EXPECT_THAT(page(Answer::Kind::Crashed, kHtml), HasSubstr("http-equiv=\"refresh\""));
  EXPECT_THAT(page(Answer::Kind::Refused, kHtml), Not(HasSubstr("<script")));
  EXPECT_THAT(page(Answer::Kind::Refused, kHtml), Not(HasSubstr("refresh")));
  const std::string posted = page(Answer::Kind::Unrepeated, {.wanted = Wanted::Html});
  EXPECT_THAT(posted, HasSubstr("data-safe=\"0\""));
  EXPECT_THAT(posted, Not(HasSubstr("refresh")));
}

TEST(ErrorPage, EachKindShowsTheReason) {
  for (const auto& [kind, option] : {std::pair{Answer::Kind::QueueFull, "--queue-limit"},
                                     std::pair{Answer::Kind::QueueTimeout, "--queue-timeout"}}) {
    for (const RequestFacts& request : {kText, kHtml, kJson}) {
      const std::string text = write_answer({.kind = kind}, request, kCrashed, kStranger);
      EXPECT_THAT(text, StartsWith("HTTP/1.1 503 "));
      EXPECT_THAT(text, HasSubstr("Retry-After: 1\r\n"));
      EXPECT_THAT(text, HasSubstr(option));
    }
  }
  EXPECT_THAT(write_answer({.kind = Answer::Kind::Unrepeated}, {}, kCrashed, kDeveloper),
              HasSubstr("not sent again"));
  EXPECT_THAT(write_answer({.kind = Answer::Kind::BadGateway,
                            .status = 502,
                            .why = "Your server's answer cannot be used: it is odd."},
                           {}, kCrashed, kDeveloper),
              HasSubstr("it is odd"));
  for (const RequestFacts& request : {kText, kHtml, kJson}) {
    const std::string shortage =
        write_answer({.kind = Answer::Kind::Shortage, .status = 503, .why = "nothing is left"},
                     request, kCrashed, kStranger);
    EXPECT_THAT(shortage, HasSubstr("othing is left"));
    EXPECT_THAT(shortage, Not(HasSubstr("<script"))) << "asking again takes a descriptor";
  }
  const std::string refused = write_answer(
      {.kind = Answer::Kind::Refused, .status = 431, .why = "too big"}, {}, kCrashed, kDeveloper);
  EXPECT_THAT(refused, HasSubstr("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  EXPECT_THAT(refused, HasSubstr("too big"));
  EXPECT_THAT(refused, Not(HasSubstr("Retry-After")));
}

// The backend's output must not run as a script in hpp's page, and no foreign page can frame it.
TEST(ErrorPage, RunsOnlyItsOwnScript) {
  const Audience audience{.may_see_output = true, .now_ms = kNow, .nonce = "abc"};
  const std::string page = crashed(kCrashed, kHtml, audience);
  EXPECT_THAT(page, HasSubstr("\r\nContent-Security-Policy: default-src 'none'; script-src "
                              "'nonce-abc'; "));
  EXPECT_THAT(page, HasSubstr("frame-ancestors 'self'\r\nX-Frame-Options: SAMEORIGIN\r\n"));
  EXPECT_THAT(page, HasSubstr("<script nonce=\"abc\">"));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  for (const RequestFacts& request : {kText, kJson}) {
    EXPECT_THAT(crashed(kCrashed, request, audience), Not(HasSubstr("Content-Security-Policy")));
  }
}

TEST(ErrorPage, HasADate) {
  EXPECT_THAT(crashed(kCrashed), HasSubstr("\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"));
}

}  // namespace
}  // namespace hpp::proxyd
