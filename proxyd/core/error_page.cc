#include "proxyd/core/error_page.h"

#include <fmt/format.h>

#include <string_view>

#include "common/text.h"
#include "proxyd/core/crash.h"
#include "proxyd/core/own_answer.h"

namespace hpp::proxyd {
namespace {

std::string crash_text(const bus::BackendState& backend, bool show_output) {
  std::string text = "Your server is not running: ";
  if (!show_output) return text + "it has failed. It is started again when a file changes.\n";
  text += how_it_ended(backend);
  text += fmt::format("\n\n  {}\n", command_line(backend.command));
  text += "\nIt is started again when a file changes.\n";
  if (!backend.output_tail.empty()) {
    text += fmt::format("\nThe last that it printed:\n\n{}\n", whole_lines(backend));
  }
  return text;
}

std::string text_of(const Answer& answer, const bus::BackendState& backend, bool show_output) {
  switch (answer.kind) {
    case Answer::Kind::Crashed:
      return crash_text(backend, show_output);
    case Answer::Kind::Unrepeated:
      return "Your server was restarted while it worked on this request. The request was not sent "
             "again to the new one,\nbecause the first attempt may have had an effect. Repeat it "
             "if that is safe.\n";
    case Answer::Kind::BadGateway:
      return answer.why + '\n';
    case Answer::Kind::QueueFull:
      return "Too many requests wait for your server already (--queue-limit).\n";
    case Answer::Kind::QueueTimeout:
      return "Your server did not become ready for this request in time (--queue-timeout).\n";
    case Answer::Kind::Refused:
      return fmt::format("This request cannot be accepted: {}.\n", answer.why);
  }
  return "";
}

}  // namespace

std::string write_answer(const Answer& answer, const RequestFacts& request,
                         const bus::BackendState& backend, bool show_output) {
  const std::string body = text_of(answer, backend, show_output);
  return write_own(answer.status, "text/plain", body, request);
}

}  // namespace hpp::proxyd
