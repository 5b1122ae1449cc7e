#include "proxyd/core/pages/error_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/bus/codec.h"
#include "common/json_text.h"
#include "common/text.h"
#include "common/time_point.h"
#include "proxyd/core/crash.h"
#include "proxyd/core/crash_json.h"
#include "proxyd/core/editor.h"
#include "proxyd/core/pages/ansi.h"
#include "proxyd/embedded.h"

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;

// ---- content ------------------------------------------------------------------------------------

// The content of an answer, for all formats.
struct Story {
  Answer::Kind kind = Answer::Kind::Crashed;
  std::string_view name;  // the error's name, for programs
  std::string title;
  std::string text;
  bool tells_all = false;  // whether it shows the backend's command, exit status and output
  bool any_live = false;   // whether the page waits for any live backend, or only for another one
  bool waits = true;       // whether the page waits for a backend and then reloads
  bool follows = false;    // whether the page shows the output while the backend starts
  std::string requests = {};  // those that the backend had when it crashed; empty: withheld

  bool is_crash() const { return kind == Answer::Kind::Crashed; }
};

// Whether the previous backend still runs, because the new one could not be built
// (--keep-last-good).
bool runs(const bus::BackendState& backend) {
  return backend.state == bus::BackendPhase::Running;
}

// Another machine, or a page whose name was made to point here, must not see output and sources.
constexpr const char* kWithheld =
    "it has failed. hpp shows the reason only on its own machine and at localhost; --expose-errors "
    "shows it everywhere";

// Says what the server waits for.
std::string starting_text(const bus::BackendState& backend, bool may_see_output) {
  if (!may_see_output || backend.delay.empty()) {
    return "It has not answered for 10 seconds. This page turns into your site when it does";
  }
  return backend.delay;
}

Story story_of_crash(const Answer& answer, const bus::BackendState& backend, bool may_see_output) {
  return {.kind = answer.kind,
          .name = "crashed",
          .title = may_see_output ? failure_title(backend, answer.why) : "Your server has crashed",
          .text = may_see_output ? how_it_ended(backend) : kWithheld,
          .tells_all = may_see_output,
          .any_live = true,
          .requests = may_see_output ? answer.why : ""};
}

Story story_of(const Answer& answer, const bus::BackendState& backend, bool may_see_output) {
  switch (answer.kind) {
    case Answer::Kind::Crashed:
      return story_of_crash(answer, backend, may_see_output);
    case Answer::Kind::Unrepeated:
      return {.kind = answer.kind,
              .name = "unrepeated",
              .title = "This request was interrupted",
              .text =
                  "Your server was restarted while it worked on this request. The request was "
                  "not sent again to the new one,\nbecause the first attempt may have had an "
                  "effect. Repeat it if that is safe.",
              .any_live = true};
    case Answer::Kind::BadGateway:
      return {.kind = answer.kind,
              .name = "bad_gateway",
              .title = "Your server did not answer",
              .text = answer.why};
    case Answer::Kind::Shortage:
      return {.kind = answer.kind,
              .name = "shortage",
              .title = "hpp cannot connect to your server",
              .text = answer.why,
              .waits = false};
    case Answer::Kind::QueueFull:
      return {.kind = answer.kind,
              .name = "queue_full",
              .title = "Too many requests are waiting",
              .text = "Too many requests are waiting for your server (--queue-limit).",
              .any_live = true};
    case Answer::Kind::QueueTimeout:
      return {.kind = answer.kind,
              .name = "queue_timeout",
              .title = "Your server takes too long",
              .text =
                  "Your server did not become ready for this request in time "
                  "(--queue-timeout).",
              .any_live = true};
    case Answer::Kind::StillStarting:
      return {.kind = answer.kind,
              .name = "still_starting",
              .title = "Your server is still starting",
              .text = starting_text(backend, may_see_output),
              .any_live = true,
              .follows = may_see_output};
    case Answer::Kind::Refused:
      return {.kind = answer.kind,
              .name = "refused",
              .title = "This request cannot be accepted",
              .text = answer.why,
              .waits = false};
    case Answer::Kind::HalfClosed:
      return {.kind = answer.kind,
              .name = "half_closed",
              .title = "The client gave up this request",
              .text = answer.why,
              .waits = false};
  }
  return {};
}

// ---- text ---------------------------------------------------------------------------------------

std::string text_of(const Story& story, const bus::BackendState& backend) {
  if (story.kind == Answer::Kind::Refused) {
    return fmt::format("{}: {}.\n", story.title, story.text);
  }
  if (!story.is_crash()) return story.text + '\n';
  std::string text;
  if (story.tells_all && backend.error) {
    text = to_string(*backend.error) + "\n\n";
    const std::string source = source_text(*backend.error);
    if (!source.empty()) text += source + '\n';
  }
  text += (runs(backend) ? "Your new server is not running: " : "Your server is not running: ") +
          story.text;
  const std::string next = what_next(backend);
  if (!story.tells_all) return fmt::format("{}. {}\n", text, next);
  text += fmt::format("\n\n  {}\n\n{}\n", command_line(backend.command), next);
  if (!backend.output_tail.empty()) {
    text += fmt::format("\nIts last output:\n\n{}\n", whole_lines(backend));
  }
  return text;
}

// ---- JSON ---------------------------------------------------------------------------------------

std::string json_of(const Story& story, int status, const bus::BackendState& backend) {
  Json json{{"reason", story.name},     {"error", nullptr}, {"status", status},
            {"message", story.text},    {"live", false},    {"generation", backend.generation},
            {"paused", backend.paused}, {"retry", nullptr}};
  if (story.is_crash() && !retry_text(backend).empty()) {
    json["retry"] = {{"tries", backend.retry.tries},
                     {"most", backend.retry.most},
                     {"pause_ms", backend.retry.pause_ms}};
  }
  if (story.is_crash() && story.tells_all) json["reason"] = failure_name(backend);
  if (story.tells_all) {
    json["request"] = crash_request_json(backend, story.requests);
    if (backend.error) json["error"] = bus::json_of(*backend.error);
    json["command"] = backend.command;
    json["cause"] = backend.cause.text;
    json["changed"] = backend.cause.changed;
    json["spawned_at_ms"] = backend.spawned_at_ms;
    json["ended_at_ms"] = backend.ended_at_ms;
    json["exit_code"] = backend.exit && backend.exit->code ? Json(*backend.exit->code) : Json();
    json["signal"] = backend.exit && backend.exit->signal ? Json(*backend.exit->signal) : Json();
    json["output"] = whole_lines(backend);
  }
  return indented_json_text(json);
}

// ---- HTML ---------------------------------------------------------------------------------------

// Returns the same text as ago() in error_page.js, which updates it.
std::string ago_text(std::int64_t ms) {
  const std::int64_t seconds = std::max<std::int64_t>(0, (ms + 500) / 1000);
  if (seconds < 3) return "just now";
  const auto text = [](std::int64_t number, std::string_view unit) {
    return fmt::format("{} {}{} ago", number, unit, number == 1 ? "" : "s");
  };
  if (seconds < 60) return text(seconds, "second");
  if (seconds < 3600) return text(seconds / 60, "minute");
  return seconds < 86'400 ? text(seconds / 3600, "hour") : text(seconds / 86'400, "day");
}

std::string time_html(std::int64_t at_ms, std::int64_t now_ms) {
  return fmt::format("<time data-at=\"{}\">{}</time>", at_ms, ago_text(now_ms - at_ms));
}

// `app.py:12`
std::string place_of(const bus::BackendError& error) {
  std::string place = printable(error.file);
  if (error.line != 0) place += fmt::format(":{}", error.line);
  return place;
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] += 'A' - 'a';
  return text.ends_with('.') ? text : text + '.';
}

// Returns the reason why this generation was started, with a list of the files if there are
// several.
std::string cause_html(const bus::BackendState& backend, std::int64_t now_ms) {
  const bus::Cause& cause = backend.cause;
  std::string html = html_escaped(cause.text);
  if (cause.at_ms != 0) html += ", " + time_html(cause.at_ms, now_ms);
  if (cause.changed.size() < 2) return html;
  html += "<ul>";
  for (const std::string& path : cause.changed) {
    html += fmt::format("<li><code>{}</code></li>", html_escaped(printable(path)));
  }
  return html + "</ul>";
}

// The lines of the source around the error.
std::string source_html(const bus::BackendError& error) {
  std::string html;
  for (const SourceLine& line : source_lines(error)) {
    html += fmt::format("<span class=\"line{}\"><i>{}</i>{}\n</span>", line.is_error ? " here" : "",
                        line.number, html_escaped(line.text));
  }
  if (html.empty()) return html;
  return fmt::format(
      "<div class=\"source\"><p><code>{}</code></p><pre tabindex=\"0\">{}</pre></div>\n",
      html_escaped(place_of(error)), html);
}

// The output, in which frames of other authors' code are folded.
std::string output_html(const bus::BackendState& backend) {
  std::string html;
  for (const OutputPart& part : output_parts(backend)) {
    const std::string text = ansi_to_html(part.text);
    html += part.is_foreign
                ? fmt::format(
                      "<details><summary>{} line{} in libraries</summary><pre>{}</pre></details>",
                      part.lines, part.lines == 1 ? "" : "s", text)
                : fmt::format("<pre>{}</pre>", text);
  }
  if (html.empty()) return html;
  return fmt::format(
      "<div class=\"terminal{}\"><p>The last output</p><div class=\"output\" "
      "tabindex=\"0\">{}</div>"
      "</div>\n",
      backend.error ? "" : " only", html);
}

// A box for the output since the cause of this start. error_page.js fills it as long as the page
// waits, and shows it when there is any output.
std::string live_output_html(const bus::BackendState& backend) {
  return fmt::format(
      "<div class=\"terminal only\" data-since=\"{}\" hidden><p>The output so far</p>"
      "<div class=\"output\" role=\"log\" aria-label=\"Output\" tabindex=\"0\"><pre></pre></div>"
      "</div>\n",
      backend.cause.at_ms);
}

// The button that opens the place of the error.
std::string editor_html(const std::string& editor) {
  if (editor.empty()) return "";
  if (editor != kOpenEditorPath) {
    return fmt::format("<a class=\"button\" href=\"{}\">Open in VS Code</a>", html_escaped(editor));
  }
  return fmt::format(
      "<button type=\"button\" data-post=\"{}\" data-done=\"hpp opens the file in your editor\" "
      "hidden>Open in editor</button>",
      editor);
}

std::string buttons_html(const bus::BackendState& backend, const std::string& requests,
                         const std::string& editor) {
  const std::string error = backend.error
                                ? to_string(*backend.error) + "\n\n" + source_text(*backend.error)
                                : failure_title(backend, requests) + ": " + how_it_ended(backend);
  return fmt::format(
      "<p class=\"buttons\">{}<button type=\"button\" data-copy=\"{}\">Copy</button>"
      "<button type=\"button\" data-copy=\"{}\">Copy for an AI assistant</button>"
      "<button type=\"button\" data-post=\"/__hpp/restart\" "
      "data-done=\"hpp restarts your server…\" hidden>Restart the "
      "server</button></p>\n",
      editor_html(editor), html_escaped(printable_lines(error)),
      html_escaped(failure_report(backend, requests)));
}

std::string facts_html(const bus::BackendState& backend, std::int64_t now_ms) {
  std::string html = "<dl>\n";
  const auto row = [&](std::string_view name, const std::string& value) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, value);
  };
  row("Command", fmt::format("<code>{}</code>", html_escaped(command_line(backend.command))));
  if (backend.ended_at_ms != 0) {
    std::string when = time_html(backend.ended_at_ms, now_ms);
    if (backend.spawned_at_ms != 0) {
      const std::chrono::milliseconds lived(backend.ended_at_ms - backend.spawned_at_ms);
      when += fmt::format(", {} after its start", duration_text(lived));
    }
    row("Ended", when);
  }
  if (!backend.cause.text.empty()) row("Started because", cause_html(backend, now_ms));
  return html + "</dl>\n";
}

// The headline is the error itself, if the output names one.
std::string heading_html(const Story& story, int status, const bus::BackendState& backend) {
  const bus::BackendError* const error =
      story.tells_all && backend.error ? &*backend.error : nullptr;
  if (error == nullptr) {
    return fmt::format(
        "<p class=\"kicker bad\"><b>{}</b> from hpp, not from your server</p>\n"
        "<h1>{}</h1>\n<p class=\"lead\">{}</p>\n",
        status, html_escaped(story.title), html_escaped(sentence(story.text)));
  }
  std::string html = fmt::format(
      "<p class=\"kicker bad\"><b>{}</b> {} from hpp, not from your server</p>\n"
      "<h1 class=\"error\">{}</h1>\n",
      html_escaped(story.title), status, html_escaped(printable(error->message)));
  const std::string source = source_html(*error);
  if (source.empty() && !error->file.empty()) {
    html += fmt::format("<p class=\"place\"><code>{}</code></p>\n", html_escaped(place_of(*error)));
  }
  return html + source;
}

std::string failure_html(const Story& story, const bus::BackendState& backend,
                         const Audience& audience) {
  const std::int64_t now_ms = audience.now_ms;
  const std::string how =
      fmt::format("<p class=\"how\">{}</p>\n", html_escaped(sentence(story.text)));
  const std::string buttons = buttons_html(backend, story.requests, audience.editor);
  if (!backend.error) return output_html(backend) + buttons + facts_html(backend, now_ms);
  return buttons + how + facts_html(backend, now_ms) + output_html(backend);
}

std::string hint_of(const Story& story, const bus::BackendState& backend, bool is_safe) {
  if (!story.waits) return "";
  if (!is_safe) return "This page shows a message when your server is back.";
  if (story.is_crash()) return what_next(backend) + " This page then reloads by itself.";
  return story.any_live ? "This page reloads by itself when your server is ready."
                        : "This page reloads by itself when your server has been restarted.";
}

std::string html_of(const Story& story, int status, const RequestFacts& request,
                    const bus::BackendState& backend, const Audience& audience) {
  const std::int64_t now_ms = audience.now_ms;
  std::string html =
      "<!doctype html>\n<html lang=\"en\" data-hpp>\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n";
  html += fmt::format("<title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n",
                      html_escaped(story.title));
  if (story.waits && request.is_safe) {
    html += "<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>\n";
  }
  html += fmt::format("<style>\n{}</style>\n</head>\n", kPageStyle);
  html += fmt::format(
      "<body data-now=\"{}\" data-generation=\"{}\" data-live=\"{}\" "
      "data-safe=\"{}\" data-status=\"{}\">\n<main>\n",
      now_ms, story.is_crash() || !story.any_live ? backend.generation : 0, story.any_live ? 1 : 0,
      request.is_safe ? 1 : 0, status);
  html += heading_html(story, status, backend);
  if (story.tells_all) html += failure_html(story, backend, audience);
  if (story.follows) html += live_output_html(backend);
  html += fmt::format("<p class=\"hint\" role=\"status\">{}</p>\n</main>\n",
                      hint_of(story, backend, request.is_safe));
  if (story.waits) {
    html += fmt::format("<script nonce=\"{}\">\n{}</script>\n", audience.nonce, kErrorPageScript);
  }
  return html + "</body>\n</html>\n";
}

}  // namespace

OwnAnswer error_answer(const Answer& answer, const RequestFacts& request,
                       const bus::BackendState& backend, const Audience& audience) {
  const Story story = story_of(answer, backend, audience.may_see_output);
  OwnAnswer own{.status = answer.status,
                .generation = backend.generation,
                .paused = bus::pause_word(backend),
                .nonce = audience.nonce,
                .allow = answer.allow};
  switch (request.asks_upgrade && request.wanted == Wanted::Html ? Wanted::Text : request.wanted) {
    case Wanted::Html:
      own.type = "text/html";
      own.body = html_of(story, answer.status, request, backend, audience);
      break;
    case Wanted::Json:
      own.type = "application/json";
      own.body = json_of(story, answer.status, backend);
      break;
    case Wanted::Any:
    case Wanted::Text:
      own.body = text_of(story, backend);
      break;
  }
  return own;
}

}  // namespace hpp::proxyd
