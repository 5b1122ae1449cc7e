// The readers for Java, Go, Rust and C, and for compilers (error_readers.h).
#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "common/errors/core/error_readers.h"
#include "common/errors/core/line_pattern.h"
#include "common/errors/core/output_lines.h"

namespace hpp::errors {
namespace {

// How many lines after a message may come before its place.
constexpr std::size_t kPlaceWithin = 4;
// How many lines around a compiler's error name the places that have led to it.
constexpr std::size_t kContextMax = 20;

PrintedFrame printed_frame(const LineParts& parts, std::size_t number) {
  return {.file = std::string(parts.file),
          .line = parts.line,
          .column = parts.column,
          .output_line = number};
}

std::optional<LineParts> match_one(std::initializer_list<std::string_view> patterns,
                                   std::string_view line) {
  for (const std::string_view pattern : patterns) {
    if (auto parts = match_line(pattern, line)) return parts;
  }
  return std::nullopt;
}

std::string_view after_prefix(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

// ---- Java ---------------------------------------------------------------------------------------

// Packages of the platform and of widespread libraries. No path says that a frame is foreign.
constexpr std::array<std::string_view, 22> kForeignPackages{
    "java.",       "javax.",         "jdk.",           "sun.",       "com.sun.",    "jakarta.",
    "kotlin.",     "kotlinx.",       "scala.",         "groovy.",    "org.apache.", "org.eclipse.",
    "org.gradle.", "org.hibernate.", "org.jboss.",     "org.junit.", "org.spring",  "io.micronaut.",
    "io.netty.",   "io.quarkus.",    "com.fasterxml.", "reactor."};

// Reads `at java.base/java.util.List.get(List.java:4)`.
std::optional<PrintedFrame> java_frame(std::string_view line, std::size_t number) {
  line = unindented(line);
  if (!line.starts_with("at ")) return std::nullopt;
  line.remove_prefix(3);
  const auto open = line.find('(');
  const auto close = line.find(')', std::min(open, line.size()));
  if (close == std::string_view::npos) return std::nullopt;
  std::string_view method = line.substr(0, open);
  const auto parts = match_line("{file}:{line}", line.substr(open + 1, close - open - 1));
  if (!parts || method.find(' ') != std::string_view::npos) return std::nullopt;
  if (parts->file.find_first_of("/:") != std::string_view::npos) return std::nullopt;
  const auto slash = method.rfind('/');
  const bool is_of_platform = method.starts_with("java.") && slash != std::string_view::npos;
  if (slash != std::string_view::npos) method.remove_prefix(slash + 1);
  PrintedFrame frame = printed_frame(*parts, number);
  frame.is_foreign = is_of_platform ||
                     std::any_of(kForeignPackages.begin(), kForeignPackages.end(),
                                 [&](std::string_view name) { return method.starts_with(name); });
  // The package is what comes before the class and the method.
  const auto end = method.rfind('.', method.rfind('.') - 1);
  if (method.rfind('.') == std::string_view::npos || end == std::string_view::npos) return frame;
  std::string path(method.substr(0, end));
  std::replace(path.begin(), path.end(), '.', '/');
  frame.file = path + '/' + frame.file;
  return frame;
}

bool is_java_stack(std::string_view line) {
  line = unindented(line);
  return line.starts_with("at ") || match_line("... {line} more", line) ||
         match_line("... {line} common frames omitted", line);
}

std::string java_message(std::string_view line) {
  line = unindented(line);
  if (const auto parts = match_line("Exception in thread \"{*}\" {message}", line)) {
    return std::string(parts->message);
  }
  return std::string(after_prefix(after_prefix(line, "Suppressed: "), "Caused by: "));
}

// ---- Go and Rust --------------------------------------------------------------------------------

std::vector<PrintedFrame> go_frames(const Lines& lines, std::size_t& number) {
  std::vector<PrintedFrame> frames;
  while (number < lines.size() && !lines[number].starts_with("goroutine ")) ++number;
  for (++number; number < lines.size() && !lines[number].empty(); ++number) {
    const std::string& line = lines[number];
    if (line.starts_with("exit status ")) break;
    // The frames above a call of panic() are those of deferred functions.
    if (line.starts_with("panic(")) frames.clear();
    const auto parts = line.starts_with('\t')
                           ? match_one({"{file}:{line} +0x{*}", "{file}:{line}"}, unindented(line))
                           : std::nullopt;
    if (!parts) continue;
    PrintedFrame frame = printed_frame(*parts, number - 1);  // the line before names the function
    frame.output_lines = 2;
    frames.push_back(std::move(frame));
  }
  return frames;
}

// `stack backtrace:`, then two lines for each frame: `4: app::main` and `at ./src/main.rs:3:5`.
std::vector<PrintedFrame> rust_frames(const Lines& lines, std::size_t& number) {
  std::vector<PrintedFrame> frames;
  if (number >= lines.size() || lines[number] != "stack backtrace:") return frames;
  for (++number; number < lines.size() && indentation(lines[number]) > 0; ++number) {
    const auto parts = match_line("at {file}:{line}:{column}", unindented(lines[number]));
    if (!parts) continue;
    PrintedFrame frame = printed_frame(*parts, number - 1);
    frame.output_lines = 2;
    frames.push_back(std::move(frame));
  }
  return frames;
}

// ---- compilers ----------------------------------------------------------------------------------

// Errors whose place and message are on one line.
std::optional<LineParts> one_line_error(std::string_view line) {
  line = after_prefix(line, "vet: ");
  auto parts = match_one(
      {"{file}:{line}:{column}: error: {message}", "{file}:{line}:{column}: fatal error: {message}",
       "{file}:{line}: error: {message}", "{file}({line},{column}): error {message}",
       "{file}:{line}:{column} - error {message}", "{file}:{line}:{column}: ERROR: {message}"},
      line);
  if (parts) return parts;
  parts = match_one({"{file}.go:{line}:{column}: {message}"}, line);
  if (parts) parts->file = line.substr(0, parts->file.size() + 3);
  return parts;
}

// The linker's errors. The message begins with the words that the pattern ends with.
std::optional<LineParts> link_error(std::string_view line) {
  for (const std::string_view words : {"undefined reference to ", "multiple definition of "}) {
    const auto at = line.find(words);
    if (at == std::string_view::npos || at < 2) continue;
    auto parts = match_one(
        {"{*}ld: {file}:{line}:", "{*}ld: {file}:({*}):", "{file}:{line}:", "{file}:({*}):"},
        line.substr(0, at - 1));
    if (!parts) continue;
    parts->message = line.substr(at);
    return parts;
  }
  return std::nullopt;
}

// The place that belongs to the message on the line before `number`: `--> src/main.rs:3:20`, or
// `ts/build.js:3:18:`.
std::optional<PrintedFrame> place_after(const Lines& lines, std::size_t number) {
  for (std::size_t i = number; i < std::min(lines.size(), number + kPlaceWithin); ++i) {
    const auto parts = match_one({"--> {file}:{line}:{column}", "{file}:{line}:{column}:",
                                  "╭─[ {file}:{line}:{column} ]", "╭─[{file}:{line}:{column}]"},
                                 unindented(lines[i]));
    if (parts) return printed_frame(*parts, i);
  }
  return std::nullopt;
}

// The message of an error whose place comes in a later line.
std::string error_message(std::string_view line) {
  if (const auto parts = match_line("error: {message}", line)) return std::string(parts->message);
  if (line.starts_with("error[")) {
    const auto close = line.find("]: ");
    if (close == std::string_view::npos) return {};
    return std::string(line.substr(6, close - 6)) + ": " + std::string(line.substr(close + 3));
  }
  if (const auto parts = match_line("✘ [ERROR] {message}", line)) {
    return std::string(parts->message);
  }
  if (line.starts_with('[')) {  // `[plugin] message`, of Rolldown
    const auto close = line.find("] ");
    if (close != std::string_view::npos) return std::string(line.substr(close + 2));
  }
  return {};
}

// The places that have led to the error at `number`: instantiations of templates.
std::vector<PrintedFrame> instantiations(const Lines& lines, std::size_t number) {
  std::vector<PrintedFrame> frames;
  for (std::size_t i = number - std::min(number, kContextMax); i < number; ++i) {
    if (one_line_error(lines[i])) frames.clear();
    const auto parts = match_line("{file}:{line}:{column}:   required from {*}", lines[i]);
    if (parts) frames.push_back(printed_frame(*parts, i));
  }
  const std::size_t end = std::min(lines.size(), number + kContextMax);
  for (std::size_t i = number + 1; i < end && !one_line_error(lines[i]); ++i) {
    const auto parts =
        match_line("{file}:{line}:{column}: note: in instantiation of {*}", lines[i]);
    if (parts) frames.push_back(printed_frame(*parts, i));
  }
  return frames;
}

// The directory in which make runs the command that has printed line `number`; empty if unknown.
std::string make_directory(const Lines& lines, std::size_t number) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < number; ++i) {
    if (!lines[i].starts_with("make")) continue;
    if (const auto parts = match_line("{*}: Entering directory '{file}'", lines[i])) {
      open.emplace_back(parts->file);
    } else if (match_line("{*}: Leaving directory '{file}'", lines[i]) && !open.empty()) {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back() + '/';
}

void complete_paths(PrintedError& error, const Lines& lines) {
  const std::string directory = make_directory(lines, error.output_line);
  for (PrintedFrame& frame : error.frames) {
    if (!frame.file.starts_with('/')) frame.file = directory + frame.file;
  }
}

}  // namespace

PrintedErrors read_java_errors(const Lines& lines) {
  PrintedErrors errors;
  for (std::size_t number = 1; number < lines.size(); ++number) {
    const bool is_first = java_frame(lines[number], number) && !is_java_stack(lines[number - 1]);
    if (!is_first || lines[number - 1].empty()) continue;
    const bool is_cause = unindented(lines[number - 1]).starts_with("Caused by: ");
    PrintedError error{.message = java_message(lines[number - 1]), .frames = {}};
    for (; number < lines.size() && is_java_stack(lines[number]); ++number) {
      if (auto frame = java_frame(lines[number], number)) {
        error.frames.push_back(*std::move(frame));
      } else if (!error.frames.empty()) {
        ++error.frames.back().output_lines;
      }
    }
    error.output_line = number - 1;
    if (is_cause && !errors.empty()) {
      std::move(errors.back().frames.begin(), errors.back().frames.end(),
                std::back_inserter(error.frames));
      errors.pop_back();
    }
    errors.push_back(std::move(error));
    --number;  // the line after the stack may be a message
  }
  return errors;
}

PrintedErrors read_go_panics(const Lines& lines) {
  PrintedErrors errors;
  for (std::size_t number = 0; number < lines.size(); ++number) {
    const auto parts = match_one({"panic: {message}", "fatal error: {message}"}, lines[number]);
    if (!parts) continue;
    std::string_view message = parts->message;
    if (const auto end = message.find(" [recovered]"); end != std::string_view::npos) {
      message = message.substr(0, end);
    }
    PrintedError error{.message = "panic: " + std::string(message), .frames = {}};
    if (lines[number].starts_with("fatal")) error.message = lines[number];
    error.frames = go_frames(lines, number);
    if (error.frames.empty()) break;  // it is another program's message
    error.output_line = std::min(number, lines.size()) - 1;
    errors.push_back(std::move(error));
  }
  return errors;
}

PrintedErrors read_rust_panics(const Lines& lines) {
  PrintedErrors errors;
  for (std::size_t number = 0; number < lines.size();) {
    const std::string& line = lines[number++];
    if (!line.starts_with("thread '")) continue;
    const auto old =
        match_line("thread '{*}' panicked at '{message}', {file}:{line}:{column}", line);
    const auto parts = old ? old
                           : match_one({"thread '{*}' panicked at {file}:{line}:{column}:",
                                        "thread '{*}) panicked at {file}:{line}:{column}:"},
                                       line);
    if (!parts || (!old && number == lines.size())) continue;
    PrintedError error{.message = std::string(parts->message),
                       .frames = {printed_frame(*parts, number - 1)}};
    if (!old) error.message = lines[number++];
    if (error.message.empty()) continue;
    auto frames = rust_frames(lines, number);
    std::move(frames.begin(), frames.end(), std::back_inserter(error.frames));
    error.output_line = number - 1;
    errors.push_back(std::move(error));
  }
  return errors;
}

PrintedErrors read_c_failures(const Lines& lines) {
  PrintedErrors errors;
  for (std::size_t number = 0; number < lines.size(); ++number) {
    const std::string& line = lines[number];
    if (const auto parts =
            match_one({"{*}: {file}:{line}: {*}: Assertion `{message}' failed."}, line)) {
      errors.push_back({.message = "Assertion `" + std::string(parts->message) + "' failed",
                        .frames = {printed_frame(*parts, number)},
                        .output_line = number});
    } else if (const auto undefined =
                   match_line("{file}:{line}:{column}: runtime error: {message}", line)) {
      errors.push_back({.message = "runtime error: " + std::string(undefined->message),
                        .frames = {printed_frame(*undefined, number)},
                        .output_line = number});
    } else if (const auto found = match_line("=={*}==ERROR: {message}", line)) {
      const std::string_view message = found->message;
      PrintedError error{.message = std::string(message.substr(0, message.find(" on address "))),
                         .frames = {}};
      while (number + 1 < lines.size() && !lines[number + 1].empty()) {
        ++number;
        const auto frame =
            match_one({"#{*} in {*} {file}:{line}:{column}", "#{*} in {*} {file}:{line}"},
                      unindented(lines[number]));
        if (frame) error.frames.push_back(printed_frame(*frame, number));
      }
      error.output_line = number;
      errors.push_back(std::move(error));
    }
  }
  return errors;
}

PrintedErrors read_compiler_errors(const Lines& lines) {
  PrintedErrors errors;
  for (std::size_t number = 0; number < lines.size(); ++number) {
    const std::string& line = lines[number];
    PrintedError error{.message = {}, .frames = {}, .output_line = number};
    auto parts = one_line_error(line);
    if (!parts) parts = link_error(line);
    if (parts) {
      error.message = parts->message;
      error.frames = {printed_frame(*parts, number)};
      auto more = instantiations(lines, number);
      std::move(more.begin(), more.end(), std::back_inserter(error.frames));
    } else {
      error.message = error_message(line);
      auto place = error.message.empty() ? std::nullopt : place_after(lines, number + 1);
      if (!place) continue;
      error.frames = {*std::move(place)};
    }
    complete_paths(error, lines);
    errors.push_back(std::move(error));
  }
  return errors;
}

PrintedErrors read_plain_errors(const Lines& lines) {
  for (std::size_t i = lines.size(); i > 0; --i) {
    const std::string& line = lines[i - 1];
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view name = std::string_view(line).substr(0, colon);
    const bool is_one_word = name.find(' ') == std::string_view::npos;
    const bool is_error = name == "error" || name == "fatal" || name == "fatal error" ||
                          name == "panic" || line.starts_with("make: *** ") ||
                          (is_one_word && (name.ends_with("Error") || name.ends_with("Exception")));
    if (!is_error || colon + 1 == line.size()) continue;
    std::size_t next = i;
    return {{.message = complete_message(line, lines, next), .frames = {}, .output_line = i - 1}};
  }
  return {};
}

}  // namespace hpp::errors
