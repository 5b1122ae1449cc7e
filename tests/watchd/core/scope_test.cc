#include "watchd/core/scope.h"

#include <gtest/gtest.h>

namespace hpp::watchd {
namespace {

Scope scope_of(const Filter& filter, const std::vector<std::string>& ignored = {}) {
  return {filter, ignored};
}

// Whether a source that reads directories from the top finds the file, and counts it.
bool finds(const Scope& scope, std::string_view name) {
  for (std::size_t at = name.find('/'); at != name.npos; at = name.find('/', at + 1)) {
    if (!scope.holds_files(name.substr(0, at))) return false;
  }
  return scope.counts(name);
}

TEST(Scope, WithoutPatternsEveryFileCountsThatIsNotExcluded) {
  const Scope scope = scope_of({.excludes = {"tmp/**"}, .css = {"*.css"}});
  for (const char* name : {"a", "a.css", ".env", "src/a.py", "src/tmp/a", "tmp"}) {
    EXPECT_TRUE(finds(scope, name)) << name;
  }
  for (const char* name : {"tmp/a", "tmp/b/c", "a.pyc", ".git/HEAD", "web/.git"}) {
    EXPECT_FALSE(finds(scope, name)) << name;
  }
}

TEST(Scope, PatternsAndTheOtherGlobsAddUp) {
  const Scope scope =
      scope_of({.patterns = {"src/**/*.py"}, .css = {"*.css"}, .reload = {"pages/*.html"}});
  for (const char* name : {"src/a.py", "src/b/c/a.py", "a.css", "pages/a.html"}) {
    EXPECT_TRUE(finds(scope, name)) << name;
  }
  for (const char* name : {"a.py", "src/a.css", "pages/b/a.html", "src/__pycache__/a.py"}) {
    EXPECT_FALSE(finds(scope, name)) << name;
  }
}

TEST(Scope, FoldersWithoutSuchFilesNeedNotBeRead) {
  const Scope scope = scope_of({.patterns = {"src/*/*.py"}, .excludes = {"src/old/**"}});
  for (const char* folder : {"src", "src/a"}) EXPECT_TRUE(scope.holds_files(folder)) << folder;
  for (const char* folder : {"lib", "src/old", "src/a/b", "src/__pycache__"}) {
    EXPECT_FALSE(scope.holds_files(folder)) << folder;
  }
}

TEST(Scope, FoldersWithSomeExcludedFilesAreRead) {
  const Scope scope = scope_of({.excludes = {"src/*", "lib/**/*.o", "*"}});
  EXPECT_TRUE(finds(scope, "src/a/b"));
  EXPECT_TRUE(finds(scope, "lib/a.c"));
  EXPECT_FALSE(finds(scope, "src/a"));
  EXPECT_FALSE(finds(scope, "lib/b/a.o"));
  EXPECT_FALSE(scope_of({.excludes = {"**"}}).holds_files("src"));
}

TEST(Scope, IgnoredFoldersAreRelativeToTheProjectFolder) {
  const Scope scope = scope_of({}, {"build", "web/dist"});
  EXPECT_FALSE(finds(scope, "build/a"));
  EXPECT_FALSE(finds(scope, "web/dist/b/c"));
  EXPECT_TRUE(finds(scope, "web/build/a"));
  EXPECT_TRUE(finds(scope, "build.txt"));
}

TEST(Scope, DefaultExcludesCanBeTurnedOff) {
  EXPECT_TRUE(finds(scope_of({.default_excludes = false}), "a/__pycache__/b.pyc"));
}

TEST(Scope, LinksAreListedUnlessTheyAreExcluded) {
  const Scope scope = scope_of({.patterns = {"lib/**/*.py"}, .excludes = {"old"}});
  EXPECT_TRUE(scope.lists_link("lib")) << "a pattern reaches below it";
  EXPECT_FALSE(scope.lists_link("old"));
}

}  // namespace
}  // namespace hpp::watchd
