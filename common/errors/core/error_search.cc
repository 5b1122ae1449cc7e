#include "common/errors/core/error_search.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/errors/core/error_readers.h"
#include "common/errors/core/output_lines.h"

namespace hpp::errors {
namespace {

std::string limited_message(std::string message) {
  if (message.size() <= kErrorMessageMax) return message;
  std::size_t end = kErrorMessageMax;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
  message.resize(end);
  return message + "…";
}

std::vector<bus::ErrorFrame> placed(const std::vector<PrintedFrame>& printed,
                                    const std::vector<SourceRoot>& roots) {
  std::vector<bus::ErrorFrame> frames;
  for (const PrintedFrame& frame : printed) {
    auto place = source_place(frame.file, roots);
    if (!place) continue;
    if (frames.size() == bus::kFramesMax) break;
    frames.push_back({.file = std::move(place->file),
                      .line = frame.line,
                      .column = frame.column,
                      .is_foreign = frame.is_foreign || place->is_foreign,
                      .output_line = frame.output_line,
                      .output_lines = frame.output_lines});
  }
  return frames;
}

bus::BackendError error_of(const PrintedError& printed, const std::vector<SourceRoot>& roots) {
  bus::BackendError error{.message = limited_message(printed.message),
                          .file = {},
                          .frames = placed(printed.frames, roots)};
  const auto& frames = error.frames;
  if (frames.empty()) return error;
  auto best = std::find_if(frames.begin(), frames.end(), [](const bus::ErrorFrame& frame) {
    return !frame.is_foreign && frame.line != 0;
  });
  if (best == frames.end()) {
    best = std::find_if(frames.begin(), frames.end(),
                        [](const bus::ErrorFrame& frame) { return !frame.is_foreign; });
  }
  if (best == frames.end()) {  // a foreign file, but none that has no path: `node:events`
    best = std::find_if(frames.begin(), frames.end(),
                        [](const bus::ErrorFrame& frame) { return frame.file.starts_with('/'); });
  }
  if (best == frames.end()) return error;
  error.file = best->file;
  error.line = best->line;
  error.column = best->column;
  error.is_foreign = best->is_foreign;
  return error;
}

// The runtime's error that was printed last.
std::optional<PrintedError> last_runtime_error(const Lines& lines) {
  std::optional<PrintedError> last;
  for (const auto read :
       {read_python_errors, read_javascript_errors, read_ruby_errors, read_php_errors,
        read_java_errors, read_go_panics, read_rust_panics, read_c_failures}) {
    PrintedErrors errors = read(lines);
    if (errors.empty()) continue;
    if (!last || errors.back().output_line >= last->output_line) last = std::move(errors.back());
  }
  return last;
}

bool is_in_project(const bus::BackendError& error) {
  return !error.file.empty() && !error.is_foreign;
}

}  // namespace

std::optional<bus::BackendError> find_error(std::string_view output,
                                            const std::vector<SourceRoot>& roots) {
  const Lines lines = plain_lines(output);
  std::optional<bus::BackendError> runtime;
  if (const auto printed = last_runtime_error(lines)) runtime = error_of(*printed, roots);
  if (runtime && is_in_project(*runtime)) return runtime;
  const PrintedErrors compiler = read_compiler_errors(lines);
  if (!compiler.empty()) {
    // An error in a library's header is less useful than one in the project.
    for (const PrintedError& printed : compiler) {
      bus::BackendError error = error_of(printed, roots);
      if (is_in_project(error)) return error;
    }
    return error_of(compiler.front(), roots);
  }
  if (runtime) return runtime;
  const PrintedErrors plain = read_plain_errors(lines);
  if (plain.empty()) return std::nullopt;
  return error_of(plain.front(), roots);
}

}  // namespace hpp::errors
