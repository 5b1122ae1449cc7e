#include "proxyd/core/editor.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/shell_words.h"
#include "common/take_until.h"

namespace hpp::proxyd {
namespace {

// Returns the path of `file`, which is relative to `directory`, without `.` and `..`.
std::string joined(const std::string& directory, std::string_view file) {
  if (file.starts_with('/')) return std::string(file);
  std::string path = directory;
  while (!file.empty()) {
    const std::string_view part = take_until('/', file);
    if (part == "..") {
      path.erase(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    } else if (!part.empty() && part != ".") {
      path += fmt::format("/{}", part);
    }
  }
  return path;
}

bool lies_in(const std::string& path, const std::string& root) {
  return !root.empty() && path.starts_with(root) && path.size() > root.size() &&
         (root.ends_with('/') || path[root.size()] == '/');
}

// `:5:3`; the column is left out if it is not known, and so is everything without a line.
std::string position(const EditorPlace& place) {
  if (place.line == 0) return "";
  return place.column == 0 ? fmt::format(":{}", place.line)
                           : fmt::format(":{}:{}", place.line, place.column);
}

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// Percent-encodes a path (RFC 3986 §2.1).
std::string encoded(std::string_view path) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string text;
  for (const char c : path) {
    text += kPlain.find(c) != std::string_view::npos
                ? std::string(1, c)
                : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return text;
}

}  // namespace

std::optional<EditorPlace> editor_place(const bus::BackendState& backend,
                                        const std::optional<bus::TreeState>& tree) {
  const auto& error = backend.error;
  if (!tree || !error || error->is_foreign || error->file.empty()) return std::nullopt;
  std::string path = joined(tree->directory, error->file);
  const bool is_ours = lies_in(path, tree->directory) ||
                       std::any_of(tree->other_roots.begin(), tree->other_roots.end(),
                                   [&](const std::string& root) { return lies_in(path, root); });
  if (!is_ours) return std::nullopt;
  return EditorPlace{.path = std::move(path), .line = error->line, .column = error->column};
}

std::vector<std::string> editor_command(const std::string& editor, const EditorPlace& place) {
  std::vector<std::string> words = shell_words(editor);
  bool has_file = false;
  for (std::string& word : words) {
    has_file = has_file || word.find("{file}") != std::string::npos;
    replace_all(word, "{line}", std::to_string(std::max<std::uint64_t>(1, place.line)));
    replace_all(word, "{column}", std::to_string(std::max<std::uint64_t>(1, place.column)));
    replace_all(word, "{file}", place.path);
  }
  if (!has_file) words.push_back(place.path + position(place));
  return words;
}

std::string editor_target(const bus::BackendState& backend,
                          const std::optional<bus::TreeState>& tree, bool has_command) {
  const auto place = editor_place(backend, tree);
  if (!place) return "";
  return has_command ? std::string(kOpenEditorPath) : vscode_link(*place);
}

std::string vscode_link(const EditorPlace& place) {
  return fmt::format("vscode://file{}{}", encoded(place.path), position(place));
}

}  // namespace hpp::proxyd
