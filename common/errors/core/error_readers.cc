#include "common/errors/core/error_readers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "common/errors/core/line_pattern.h"
#include "common/errors/core/output_lines.h"
#include "common/take_until.h"

namespace hpp::errors {
namespace {

// How many lines before a stack of frames may belong to the message.
constexpr std::size_t kMessageLinesMax = 30;
// How many lines may lie between a message and its first frame: source lines and advice.
constexpr std::size_t kGapMax = 12;
// How many lines complete a message that ends with a colon.
constexpr std::size_t kCompletingMax = 3;

PrintedFrame frame_at(const LineParts& parts, std::size_t number) {
  return {.file = std::string(parts.file),
          .line = parts.line,
          .column = parts.column,
          .output_line = number};
}

std::optional<LineParts> match_any(std::initializer_list<std::string_view> patterns,
                                   std::string_view line) {
  for (const std::string_view pattern : patterns) {
    if (auto parts = match_line(pattern, line)) return parts;
  }
  return std::nullopt;
}

bool remove_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void append(std::vector<PrintedFrame>& frames, std::vector<PrintedFrame> more) {
  std::move(more.begin(), more.end(), std::back_inserter(frames));
}

// Whether the line begins with an exception's name: `TypeError: x`, `Error [ERR_CODE]: x`,
// `java.lang.NullPointerException`, `json.decoder.JSONDecodeError: x`.
bool is_exception(std::string_view line) {
  const auto is_of_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$' ||
           c == ':';
  };
  const auto end = std::find_if_not(line.begin(), line.end(), is_of_name);
  std::string_view name = line.substr(0, static_cast<std::size_t>(end - line.begin()));
  const std::string_view rest = line.substr(name.size());
  if (name.ends_with(':')) {
    name.remove_suffix(1);
  } else if (!rest.empty() && !rest.starts_with(" [") && !rest.starts_with(" (")) {
    return false;
  }
  if (name.find(':') != std::string_view::npos && name.find("::") == std::string_view::npos) {
    return false;
  }
  for (const std::string_view kind : {"Error", "Exception", "Rejection", "Throwable"}) {
    if (name.ends_with(kind)) return true;
  }
  return false;
}

// ---- Python -------------------------------------------------------------------------------------

// A line of a traceback without the bars that mark members of an ExceptionGroup.
std::string_view without_bars(std::string_view line) {
  const auto bar = line.find_first_not_of(' ');
  if (bar == std::string_view::npos || (line[bar] != '|' && line[bar] != '+')) return line;
  line.remove_prefix(bar + 1);
  if (line.starts_with('-') || line.starts_with('+')) return {};
  remove_prefix(line, " ");
  return line;
}

std::optional<LineParts> python_frame(std::string_view line) {
  return match_any({"File \"{file}\", line {line}, in {*}", "File \"{file}\", line {line}"},
                   unindented(without_bars(line)));
}

// Reads the frames from `number` on, which becomes the number of the line after them.
std::vector<PrintedFrame> python_frames(const Lines& lines, std::size_t& number) {
  const std::size_t depth = indentation(without_bars(lines[number]));
  std::vector<PrintedFrame> frames;
  for (; number < lines.size(); ++number) {
    const std::string_view line = without_bars(lines[number]);
    const auto parts = python_frame(line);
    if (parts && indentation(line) == depth) {
      frames.insert(frames.begin(), frame_at(*parts, number));
    } else if (line.empty() || indentation(line) < depth) {
      break;
    } else {
      ++frames.front().output_lines;
    }
  }
  return frames;
}

// Whether the lines before the traceback at `number` say that the last error has led to it.
bool continues_chain(const Lines& lines, std::size_t number) {
  for (std::size_t i = number; i > 0 && number - i < 5; --i) {
    const std::string_view line = without_bars(lines[i - 1]);
    if (line.starts_with("During handling of the above exception") ||
        line.starts_with("The above exception was the direct cause")) {
      return true;
    }
  }
  return false;
}

// ---- JavaScript ---------------------------------------------------------------------------------

std::optional<LineParts> javascript_frame(std::string_view line) {
  line = unindented(line);
  if (!remove_prefix(line, "at ")) return std::nullopt;
  remove_prefix(line, "async ");
  while (line.ends_with('{') || line.ends_with(' ')) line.remove_suffix(1);
  return match_any({"{*} ({file}:{line}:{column})", "{file}:{line}:{column}"}, line);
}

// Lines within a stack that name no place: `... 4 lines matching cause stack trace ...`.
bool is_placeless_frame(std::string_view line) {
  line = unindented(line);
  return line.starts_with("at ") || line.starts_with("... ");
}

// Whether a stack of frames begins at `number`. Some of them may name no place.
bool is_javascript_stack(const Lines& lines, std::size_t number) {
  if (!unindented(lines[number]).starts_with("at ")) return false;
  const std::size_t end = std::min(lines.size(), number + kGapMax);
  for (; number < end && is_placeless_frame(lines[number]); ++number) {
    if (javascript_frame(lines[number])) return true;
  }
  return false;
}

std::vector<PrintedFrame> javascript_frames(const Lines& lines, std::size_t& number) {
  std::vector<PrintedFrame> frames;
  for (; number < lines.size() && is_placeless_frame(lines[number]); ++number) {
    const auto parts = javascript_frame(lines[number]);
    if (parts) {
      frames.push_back(frame_at(*parts, number));
    } else if (!frames.empty()) {
      ++frames.back().output_lines;
    }
  }
  return frames;
}

// Node prints the line that has thrown before the error: `/home/ada/app.js:3`, the source line, and
// a line with `^`. Returns the number of the line with `^` if that begins at `number`.
std::optional<std::size_t> end_of_thrown_line(const Lines& lines, std::size_t number) {
  const auto is_place = [](const std::string& line) {
    return indentation(line) == 0 && match_line("{file}:{line}", line);
  };
  if (!is_place(lines[number])) return {};
  for (std::size_t i = number + 1; i < lines.size() && i < number + 6; ++i) {
    if (is_place(lines[i])) return {};
    const std::string_view line = unindented(lines[i]);
    if (!line.empty() && line.find_first_not_of('^') == std::string_view::npos) return i;
  }
  return {};
}

// The number of the line at which the message above the frames at `number` begins.
std::size_t begin_of_message(const Lines& lines, std::size_t number) {
  std::optional<std::size_t> last;
  for (std::size_t i = number; i > 0 && number - i < kMessageLinesMax; --i) {
    std::string_view line = unindented(lines[i - 1]);
    if (line.empty()) continue;
    if (is_placeless_frame(line) || line.find_first_not_of('^') == std::string_view::npos) break;
    if (!last) last = i - 1;
    remove_prefix(line, "[cause]: ");
    remove_prefix(line, "Uncaught ");
    if (is_exception(line)) return i - 1;
  }
  return last.value_or(number);
}

// The place that a transformer names within the message, and its own message.
void use_place_in_message(PrintedError& error, const Lines& lines, std::size_t begin,
                          std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    const auto parts = match_line("{file}:{line}:{column}: ERROR: {message}", lines[i]);
    if (!parts) continue;
    error.message = parts->message;
    error.frames.insert(error.frames.begin(), frame_at(*parts, i));
    return;
  }
}

PrintedError javascript_error(const Lines& lines, std::size_t begin, std::size_t& number) {
  std::string_view text = unindented(lines[begin]);
  remove_prefix(text, "[cause]: ");
  remove_prefix(text, "Uncaught ");
  std::size_t after = begin + 1;
  PrintedError error{.message = complete_message(std::string(text), lines, after), .frames = {}};
  const std::size_t end = number;
  error.frames = javascript_frames(lines, number);
  error.output_line = number - 1;
  use_place_in_message(error, lines, begin, end);
  if (const auto parts = match_line("{*} imported from {file}", lines[begin])) {
    error.frames.push_back(frame_at(*parts, begin));
  }
  return error;
}

// ---- Ruby ---------------------------------------------------------------------------------------

std::optional<LineParts> ruby_head(std::string_view line) {
  const auto parts =
      match_any({"{file}:{line}:in `{*}': {message}", "{file}:{line}:in '{*}': {message}",
                 "{file}.rb:{line}: {message}", "{file}.ru:{line}: {message}"},
                line);
  if (!parts || parts->message.starts_with("warning: ") || indentation(line) != 0) return {};
  return parts;
}

// `uninitialized constant X (NameError)` becomes `NameError: uninitialized constant X`.
std::string ruby_message(std::string_view message) {
  const auto open = message.rfind(" (");
  if (open == std::string_view::npos || !message.ends_with(')')) return std::string(message);
  const std::string_view name = message.substr(open + 2, message.size() - open - 3);
  if (name.empty() || std::isupper(static_cast<unsigned char>(name.front())) == 0 ||
      name.find(' ') != std::string_view::npos) {
    return std::string(message);
  }
  const std::string_view text = message.substr(0, open);
  return text == name ? std::string(name) : std::string(name) + ": " + std::string(text);
}

// The file with the suffix that the pattern has required.
std::string ruby_file(std::string_view line, std::string_view file) {
  for (const std::string_view suffix : {".rb:", ".ru:"}) {
    if (line.substr(file.size()).starts_with(suffix)) {
      return std::string(line.substr(0, file.size() + suffix.size() - 1));
    }
  }
  return std::string(file);
}

std::vector<PrintedFrame> ruby_frames(const Lines& lines, std::size_t& number) {
  std::vector<PrintedFrame> frames;
  std::size_t i = number;
  const std::size_t gap_end = std::min(lines.size(), number + kGapMax);
  while (i < gap_end && !lines[i].starts_with("\tfrom ") && !ruby_head(lines[i])) ++i;
  for (; i < lines.size() && lines[i].starts_with("\tfrom "); number = ++i) {
    const auto parts =
        match_any({"from {file}:{line}:in {*}", "from {file}:{line}"}, unindented(lines[i]));
    if (parts) frames.push_back(frame_at(*parts, i));
  }
  return frames;
}

PrintedError ruby_error(const Lines& lines, const LineParts& head, std::size_t& number) {
  PrintedError error{.message = ruby_message(head.message), .frames = {frame_at(head, number)}};
  error.frames.front().file = ruby_file(lines[number], head.file);
  if (const auto inner = ruby_head(head.message)) {  // a file that cannot be loaded
    PrintedFrame frame = frame_at(*inner, number);
    frame.file = ruby_file(head.message, inner->file);
    error.message = ruby_message(inner->message);
    error.frames.insert(error.frames.begin(), std::move(frame));
  }
  ++number;
  append(error.frames, ruby_frames(lines, number));
  error.output_line = number - 1;
  return error;
}

// ---- PHP ----------------------------------------------------------------------------------------

// `Call to undefined function f() in /app.php:3`: the message may contain ` in ` as well.
std::optional<LineParts> php_place(std::string_view text) {
  const auto in = text.rfind(" in ");
  if (in == std::string_view::npos) return std::nullopt;
  auto parts = match_any({"{file} on line {line}", "{file}:{line}"}, text.substr(in + 4));
  if (parts) parts->message = text.substr(0, in);
  return parts;
}

// The text after `Fatal error: ` or `Parse error: `, which a time may precede.
std::optional<std::string_view> php_failure(std::string_view line) {
  for (const std::string_view kind : {"Fatal error: ", "Parse error: "}) {
    const auto at = line.find(kind);
    if (at == std::string_view::npos) continue;
    std::string_view text = unindented(line.substr(at + kind.size()));
    remove_prefix(text, "Uncaught ");
    if (at == 0 || line.substr(0, at).ends_with("PHP ")) return text;
  }
  return std::nullopt;
}

PrintedError php_error(const Lines& lines, std::string_view text, std::size_t& number) {
  PrintedError error{.message = std::string(text), .frames = {}};
  const auto take_place = [&](std::string_view from) {
    const auto place = php_place(from);
    if (place && error.frames.empty()) error.frames.push_back(frame_at(*place, number));
    return place;
  };
  if (const auto place = take_place(text)) error.message = place->message;
  for (++number; number < lines.size() && !php_failure(lines[number]); ++number) {
    const std::string_view line = lines[number];
    if (const auto frame = match_line("#{*} {file}({line}): {*}", line)) {
      error.frames.push_back(frame_at(*frame, number));
    } else if (const auto thrown = match_line("  thrown in {file} on line {line}", line)) {
      if (error.frames.empty()) error.frames.push_back(frame_at(*thrown, number));
      ++number;
      break;
    }
  }
  error.output_line = number - 1;
  return error;
}

}  // namespace

std::string complete_message(std::string message, const Lines& lines, std::size_t& number) {
  std::size_t joined = 0;
  while (message.ends_with(':') && number < lines.size() && joined < kCompletingMax) {
    const std::string_view line = unindented(lines[number++]);
    if (line.empty()) continue;
    message.append(" ").append(line);
    ++joined;
  }
  return message;
}

PrintedErrors read_python_errors(const Lines& lines) {
  PrintedErrors errors;
  bool has_member = false;  // the group that is being read already has its first member
  for (std::size_t number = 0; number < lines.size();) {
    if (!python_frame(lines[number])) {
      ++number;
      continue;
    }
    const std::size_t begin = number;
    PrintedError error{.message = {}, .frames = python_frames(lines, number)};
    if (number >= lines.size()) break;  // the message is missing
    const bool is_in_group = without_bars(lines[number]).size() < lines[number].size();
    const std::string text(unindented(without_bars(lines[number])));
    if (text.empty()) continue;
    error.output_line = number++;
    error.message = complete_message(text, lines, number);
    if (!errors.empty() && continues_chain(lines, begin)) {
      append(error.frames, std::move(errors.back().frames));
      errors.pop_back();
    }
    // A group is explained by its first member. The members after that are left out.
    const bool is_group = text.find("ExceptionGroup:") != std::string::npos;
    if (is_in_group && !is_group && std::exchange(has_member, true)) continue;
    if (is_in_group && !is_group && !errors.empty()) {
      append(error.frames, std::move(errors.back().frames));
      errors.pop_back();
    }
    if (is_group || !is_in_group) has_member = false;
    errors.push_back(std::move(error));
  }
  return errors;
}

PrintedErrors read_javascript_errors(const Lines& lines) {
  PrintedErrors errors;
  std::optional<PrintedFrame> thrown;  // where the error that comes next was thrown
  for (std::size_t number = 0; number < lines.size();) {
    if (const auto end = end_of_thrown_line(lines, number)) {
      thrown = frame_at(*match_line("{file}:{line}", lines[number]), number);
      thrown->output_lines = *end - number + 1;
      thrown->column = indentation(lines[*end]) + 1;
      number = *end + 1;
      std::size_t text = number;
      while (text < lines.size() && lines[text].empty()) ++text;
      const bool is_text =
          text + 1 < lines.size() && lines[text + 1].starts_with("(Use `node --trace-uncaught");
      if (is_text) {
        errors.push_back({.message = lines[text], .frames = {*thrown}, .output_line = text});
      }
      continue;
    }
    const bool is_rust = number > 0 && match_line("{line}: {*}", unindented(lines[number - 1]));
    if (is_rust || !is_javascript_stack(lines, number)) {
      ++number;
      continue;
    }
    const std::size_t begin = begin_of_message(lines, number);
    if (begin == number) {  // the message was cut off
      ++number;
      continue;
    }
    const std::string_view text = unindented(lines[begin]);
    const bool is_cause = text.starts_with("[") || text.starts_with("Emitted '");
    PrintedError error = javascript_error(lines, begin, number);
    if (is_cause && !errors.empty()) {
      append(errors.back().frames, std::move(error.frames));
      errors.back().output_line = error.output_line;
      continue;
    }
    const auto is_known = [&] {
      const PrintedFrame& frame = error.frames.front();
      return frame.file == thrown->file && frame.line == thrown->line;
    };
    if (thrown && !is_known()) {
      error.frames.insert(error.frames.begin(), *thrown);
    }
    thrown.reset();
    errors.push_back(std::move(error));
  }
  return errors;
}

PrintedErrors read_ruby_errors(const Lines& lines) {
  PrintedErrors errors;
  for (std::size_t number = 0; number < lines.size();) {
    const auto head = ruby_head(lines[number]);
    if (!head) {
      ++number;
      continue;
    }
    // Ruby prints the causes directly after the error.
    const bool is_cause = !errors.empty() && errors.back().output_line + 1 == number;
    PrintedError error = ruby_error(lines, *head, number);
    if (is_cause) {
      append(errors.back().frames, std::move(error.frames));
      errors.back().output_line = error.output_line;
    } else {
      errors.push_back(std::move(error));
    }
  }
  return errors;
}

PrintedErrors read_php_errors(const Lines& lines) {
  PrintedErrors errors;
  for (std::size_t number = 0; number < lines.size();) {
    if (const auto text = php_failure(lines[number])) {
      errors.push_back(php_error(lines, *text, number));
    } else {
      ++number;
    }
  }
  return errors;
}

}  // namespace hpp::errors
