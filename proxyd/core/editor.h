// Pure. Opens the place of an error in the developer's editor.
//
// If the variable HPP_EDITOR is set, it is the command, and a POST to `/__hpp/open-editor` runs it.
// The request has no parameters: hpp opens the place of the newest error, and no other file.
// Without the variable, the page has a link for VS Code, `vscode://file/…`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bus/messages.h"

namespace hpp::proxyd {

constexpr std::string_view kOpenEditorPath = "/__hpp/open-editor";

struct EditorPlace {
  std::string path;          // absolute
  std::uint64_t line = 0;    // from 1; 0: not known
  std::uint64_t column = 0;  // from 1; 0: not known

  bool operator==(const EditorPlace&) const = default;
};

// Returns the place of the backend's error. Nothing if there is no error, or if its file is not in
// the project or in a directory of --root.
std::optional<EditorPlace> editor_place(const bus::BackendState& backend,
                                        const std::optional<bus::TreeState>& tree);

// Returns the words of the command that opens the place. In `editor`, `{file}`, `{line}` and
// `{column}` are replaced; without `{file}`, `FILE:LINE:COLUMN` is appended: `code -g`. Throws
// std::invalid_argument if `editor` is malformed.
std::vector<std::string> editor_command(const std::string& editor, const EditorPlace& place);

// Returns what a button in the browser must request in order to open the place of the error:
// kOpenEditorPath, with a POST, or vscode_link(). Empty if there is no such place. `has_command`:
// HPP_EDITOR is set.
std::string editor_target(const bus::BackendState& backend,
                          const std::optional<bus::TreeState>& tree, bool has_command);

// `vscode://file/home/me/shop/app.py:5:3`
std::string vscode_link(const EditorPlace& place);

}  // namespace hpp::proxyd
