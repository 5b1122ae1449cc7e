#include "watchd/core/outside_links.h"

#include <gtest/gtest.h>

namespace hpp::watchd {
namespace {

// The names of the links that count.
std::vector<std::string> counted(const std::vector<OutsideLink>& links, const Filter& filter = {}) {
  std::vector<std::string> names;
  for (const OutsideLink& link : links_that_count(links, filter)) names.push_back(link.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(OutsideLinks, CountIfAGlobMatchesTheirName) {
  const std::vector<OutsideLink> links{{.name = "a.py", .target = "/home/me/a.py"},
                                       {.name = "a.txt", .target = "/home/me/a.txt"},
                                       {.name = "src/a.css", .target = "/home/me/a.css"}};
  EXPECT_EQ(counted(links), (Names{"a.py", "a.txt", "src/a.css"}));
  EXPECT_EQ(counted(links, {.patterns = {"*.py"}}), Names{"a.py"});
  EXPECT_EQ(counted(links, {.patterns = {"*.py"}, .css = {"src/**"}}),
            (Names{"a.py", "src/a.css"}));
  EXPECT_EQ(counted(links, {.patterns = {"*.py"}, .reload = {"*.txt"}}), (Names{"a.py", "a.txt"}));
}

TEST(OutsideLinks, ToAFolderCountIfAPatternCanMatchBelowIt) {
  const auto reaches = [](const char* glob) {
    return !counted({{.name = "src/lib", .target = "/x", .is_folder = true}}, {.patterns = {glob}})
                .empty();
  };
  for (const char* glob : {"**", "**/*.py", "src/**", "src/**/*.py", "src/*/*.py", "src/lib/a.py",
                           "s*/l?b/**", "src/lib"}) {
    EXPECT_TRUE(reaches(glob)) << glob;
  }
  for (const char* glob :
       {"*.py", "src/*.py", "lib/**", "src/other/**", "src/lib2/*.py", "*/a.py"}) {
    EXPECT_FALSE(reaches(glob)) << glob;
  }
  EXPECT_EQ(counted({{.name = "src/lib", .target = "/x"}}, {.patterns = {"src/lib/**"}}), Names{})
      << "a file has nothing below it";
}

TEST(OutsideLinks, ToInterpretersAndSystemFilesDoNotCount) {
  EXPECT_EQ(counted({{.name = "venv/bin/python3", .target = "/home/me/.pyenv/bin/python3.12"},
                     {.name = "venv/bin/python", .target = "/usr/bin/python3.11"},
                     {.name = "jquery.js", .target = "/usr/share/javascript/jquery.js"},
                     {.name = "result", .target = "/nix/store/abc-app", .is_folder = true},
                     {.name = "masked.conf", .target = "/dev/null"},
                     {.name = "local", .target = "/usr/local/share/site", .is_folder = true},
                     {.name = "shared", .target = "/usr/src/shared", .is_folder = true},
                     {.name = "usr", .target = "/usrdata/x"}}),
            (Names{"local", "shared", "usr"}));
}

TEST(OutsideLinks, IntoAFolderOfTheBuiltInExcludesDoNotCount) {
  const std::vector<OutsideLink> links{
      {.name = "bazel-out", .target = "/home/me/.cache/bazel/x", .is_folder = true},
      {.name = "caches", .target = "/home/me/.cache", .is_folder = true},
      {.name = "b.py", .target = "/home/me/b.py~"}};
  EXPECT_EQ(counted(links), Names{});
  EXPECT_EQ(counted(links, {.default_excludes = false}), (Names{"bazel-out", "caches", "b.py"}));
}

TEST(OutsideLinks, AreNamedInAWarningOfOneLine) {
  EXPECT_EQ(
      outside_warning({{.name = "lib", .target = "/home/me/lib", .is_folder = true}}),
      "a symbolic link that leads out of the project folder: lib → /home/me/lib. hpp does not "
      "see changes there, because it watches at most 64 directories, and none twice. Run hpp-ctl "
      "restart after such a change; --exclude silences this warning");
  const OutsideLink a{.name = "a", .target = "/x/a"};
  const OutsideLink b{.name = "b", .target = "/x/b"};
  const OutsideLink c{.name = "c", .target = "/x/c"};
  EXPECT_TRUE(outside_warning({a, b}).starts_with(
      "symbolic links that lead out of the project folder: a → /x/a and b → /x/b. "));
  EXPECT_TRUE(outside_warning({a, b, c, a, a})
                  .starts_with("symbolic links that lead out of the project folder: a → /x/a, b → "
                               "/x/b, c → /x/c and 2 more. "));
}

}  // namespace
}  // namespace hpp::watchd
