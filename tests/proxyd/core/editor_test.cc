#include "proxyd/core/editor.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hpp::proxyd {
namespace {

using Words = std::vector<std::string>;

const bus::TreeState kTree{.directory = "/home/me/shop", .other_roots = {"/home/me/shared"}};

std::optional<EditorPlace> place(const bus::BackendError& error) {
  return editor_place({.error = error}, kTree);
}

TEST(Editor, OpensTheFileOfTheError) {
  EXPECT_EQ(place({.file = "app/views.py", .line = 5, .column = 3}),
            (EditorPlace{.path = "/home/me/shop/app/views.py", .line = 5, .column = 3}));
  EXPECT_EQ(place({.file = "../shared/money.py"}),
            (EditorPlace{.path = "/home/me/shared/money.py"}));
}

TEST(Editor, OpensNoFileOutsideTheRoots) {
  EXPECT_FALSE(place({.file = "../secret.py"}));
  EXPECT_FALSE(place({.file = "../shopping/x.py"}));
  EXPECT_FALSE(place({.file = "/etc/passwd"}));
  EXPECT_FALSE(place({.file = "app/../../../x"}));
  EXPECT_FALSE(place({.file = "lib.py", .is_foreign = true}));
  EXPECT_FALSE(place({.file = ""}));
  EXPECT_FALSE(editor_place({}, kTree));
  EXPECT_FALSE(editor_place({.error = bus::BackendError{.file = "a.py"}}, std::nullopt));
}

TEST(Editor, RunsTheUsersCommand) {
  const EditorPlace at{.path = "/p/a b.py", .line = 5, .column = 3};
  EXPECT_EQ(editor_command("code -g", at), (Words{"code", "-g", "/p/a b.py:5:3"}));
  EXPECT_EQ(editor_command("idea --line {line} --column {column} {file}", at),
            (Words{"idea", "--line", "5", "--column", "3", "/p/a b.py"}));
  EXPECT_EQ(editor_command("'my editor' +{line} {file}", {.path = "/p/a.py"}),
            (Words{"my editor", "+1", "/p/a.py"}));
  EXPECT_EQ(editor_command("subl", {.path = "/p/{line}.py", .line = 7}),
            (Words{"subl", "/p/{line}.py:7"}));
  EXPECT_THROW(editor_command("code 'x", at), std::invalid_argument);
}

TEST(Editor, AButtonRunsTheCommandOrLinksToVsCode) {
  const bus::BackendState failed{.error = bus::BackendError{.file = "a.py", .line = 5}};
  EXPECT_EQ(editor_target(failed, kTree, /*has_command=*/true), "/__hpp/open-editor");
  EXPECT_EQ(editor_target(failed, kTree, /*has_command=*/false),
            "vscode://file/home/me/shop/a.py:5");
  EXPECT_EQ(editor_target({}, kTree, /*has_command=*/true), "");
}

TEST(Editor, LinksToVsCode) {
  EXPECT_EQ(vscode_link({.path = "/p/a.py", .line = 5, .column = 3}), "vscode://file/p/a.py:5:3");
  EXPECT_EQ(vscode_link({.path = "/p/a b\"<.py", .line = 5}), "vscode://file/p/a%20b%22%3C.py:5");
  EXPECT_EQ(vscode_link({.path = "/p/a.py"}), "vscode://file/p/a.py");
}

}  // namespace
}  // namespace hpp::proxyd
