#include "watchd/core/expression.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace hpp::watchd {
namespace {

using Json = nlohmann::json;

struct Case {
  const char* name;
  Filter filter;
  const char* expected;
};

const Case kCases[] = {
    {"everything",
     {.default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]]])"},
    {"one pattern",
     {.patterns = {"src/**/*"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["match", "src/**/*", "wholename", {"includedotfiles": true}]])"},
    {"two patterns",
     {.patterns = {"*.py", "*.html"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["anyof", ["match", "*.py", "wholename", {"includedotfiles": true}],
                   ["match", "*.html", "wholename", {"includedotfiles": true}]]])"},
    {"one exclude",
     {.excludes = {"log/*"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["not", ["match", "log/*", "wholename", {"includedotfiles": true}]]])"},
    {"patterns and excludes",
     {.patterns = {"a"}, .excludes = {"b", "c"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["match", "a", "wholename", {"includedotfiles": true}],
         ["not", ["anyof", ["match", "b", "wholename", {"includedotfiles": true}],
                           ["match", "c", "wholename", {"includedotfiles": true}]]]])"},
    {"what concerns browsers alone, beside a pattern",
     {.patterns = {"a"}, .css = {"b"}, .reload = {"c"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["anyof", ["match", "a", "wholename", {"includedotfiles": true}],
                   ["match", "b", "wholename", {"includedotfiles": true}],
                   ["match", "c", "wholename", {"includedotfiles": true}]]])"},
    {"what concerns browsers alone, beside everything",
     {.css = {"b"}, .reload = {"c"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]]])"},
    {"a glob with quotes and bytes",
     {.patterns = {"a\"b\\\\ü"}, .default_excludes = false},
     R"(["allof", ["anyof", ["type", "f"], ["type", "l"]],
         ["match", "a\"b\\\\ü", "wholename", {"includedotfiles": true}]])"},
};

TEST(Expression, SaysWhatTheUserAskedFor) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(expression_for(c.filter), Json::parse(c.expected));
  }
}

TEST(Concerns, StyleSheetsComeBeforePagesAndPagesBeforeTheBackend) {
  const Concerns concerns(
      {.patterns = {"**"}, .css = {"**/*.css", "theme.scss"}, .reload = {"static/**", "*.html"}});
  EXPECT_EQ(concerns.of("app.py"), Concern::Backend);
  EXPECT_EQ(concerns.of("deep/page.html"), Concern::Backend);
  EXPECT_EQ(concerns.of("page.html"), Concern::Page);
  EXPECT_EQ(concerns.of("static/a.js"), Concern::Page);
  EXPECT_EQ(concerns.of("static/a.css"), Concern::StyleSheet);
  EXPECT_EQ(concerns.of("theme.scss"), Concern::StyleSheet);
  EXPECT_EQ(Concerns({}).of("a.css"), Concern::Backend);
}

// The globs that are excluded when the user excludes `mine` and nothing else.
std::vector<std::string> excluded_globs() {
  const Json expression = expression_for({.excludes = {"mine"}});
  std::vector<std::string> globs;
  const Json& terms = expression.back().at(1);
  for (std::size_t i = 1; i < terms.size(); ++i) globs.push_back(terms[i].at(1));
  return globs;
}

TEST(Expression, BuiltInExcludesComeAfterTheUsersOwn) {
  const auto globs = excluded_globs();
  EXPECT_EQ(globs.front(), "mine");
  for (const char* glob :
       {"**/.git", "**/.git/**", "**/.hg/**", "**/.svn/**", "**/.jj/**", "**/__pycache__/**",
        "**/*.pyc", "**/*.pyo", "**/4913", "**/*~", "**/.#*", "**/#*#", "**/.DS_Store"}) {
    EXPECT_NE(std::find(globs.begin(), globs.end(), glob), globs.end()) << glob;
  }
}

TEST(Expression, BuiltInExcludesHaveCachesAndNoSources) {
  const auto globs = excluded_globs();
  const auto is_excluded = [&](std::string_view path) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return Wildmatch(glob).matches(path); });
  };
  for (const char* path :
       {".next/trace", "web/.next/server/app/page.js", ".nuxt/dev/index.mjs",
        ".svelte-kit/generated/root.js", ".astro/types.d.ts", ".turbo/cookies/1.cookie",
        "node_modules/.cache/babel/a.json", "web/node_modules/.vite/deps/react.js",
        "vite.config.ts.timestamp-1700000000000-0123456789abc.mjs", "tsconfig.tsbuildinfo",
        ".pytest_cache/v/cache/lastfailed", ".mypy_cache/3.11/app.data.json", ".ruff_cache/0.1/123",
        ".parcel-cache/data.mdb", ".idea/workspace.xml", ".gradle/8.5/fileHashes/fileHashes.bin",
        "tmp/cache/bootsnap/compile-cache/1"}) {
    EXPECT_TRUE(is_excluded(path)) << path;
  }
  for (const char* path :
       {"next.config.js", ".nextrc", ".env", ".output/server/index.mjs", "next/app.js",
        "node_modules/express/index.js", "node_modules/.bin/next", "vite.config.ts",
        "tmp/restart.txt", "target/debug/server", "build/server", "dist/index.js", "cache/a.py"}) {
    EXPECT_FALSE(is_excluded(path)) << path;
  }
}

}  // namespace
}  // namespace hpp::watchd
