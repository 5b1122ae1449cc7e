#include "watchd/core/filter.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hpp::watchd {
namespace {

TEST(Concerns, CssGlobsTakePrecedenceOverReloadGlobsAndPatterns) {
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

TEST(Filter, AGlobMatchesOnePathWithinTheProject) {
  EXPECT_EQ(glob_within("/home/me/shop", "/home/me/shop/run/hpp"), "run/hpp");
  EXPECT_EQ(glob_within("/", "/run/hpp"), "run/hpp");
  const auto glob = glob_within("/p", R"(/p/a[1]*?\b)");
  ASSERT_TRUE(glob);
  EXPECT_TRUE(Wildmatch(*glob).matches(R"(a[1]*?\b)"));
  EXPECT_FALSE(Wildmatch(*glob).matches(R"(a1xx\b)"));
  for (const char* const path : {"/p", "/p2/x", "/", "/other/p/x"}) {
    EXPECT_EQ(glob_within("/p", path), std::nullopt) << path;
  }
}

TEST(Filter, BuiltInExcludesMatchCachesButNoSources) {
  const auto globs = built_in_excludes();
  const auto is_excluded = [&](std::string_view path) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const char* glob) { return Wildmatch(glob).matches(path); });
  };
  for (const char* path : {".next/trace",
                           "web/.next/server/app/page.js",
                           ".nuxt/dev/index.mjs",
                           ".svelte-kit/generated/root.js",
                           ".astro/types.d.ts",
                           ".turbo/cookies/1.cookie",
                           "node_modules/.cache/babel/a.json",
                           "web/node_modules/.vite/deps/react.js",
                           "vite.config.ts.timestamp-1700000000000-0123456789abc.mjs",
                           "tsconfig.tsbuildinfo",
                           ".pytest_cache/v/cache/lastfailed",
                           ".mypy_cache/3.11/app.data.json",
                           ".ruff_cache/0.1/123",
                           ".parcel-cache/data.mdb",
                           ".idea/workspace.xml",
                           ".gradle/8.5/fileHashes/fileHashes.bin",
                           "db.sqlite3",
                           "db.sqlite3-journal",
                           "storage/development.sqlite3-wal",
                           "instance/flaskr.sqlite",
                           "app.db-wal",
                           "log/development.log",
                           "tmp/cache/bootsnap/compile-cache/1",
                           "tmp/pids/server.pid",
                           "tmp/development_secret.txt",
                           "tmp/local_secret.txt"}) {
    EXPECT_TRUE(is_excluded(path)) << path;
  }
  for (const char* path :
       {"next.config.js", ".nextrc", ".env", ".output/server/index.mjs", "next/app.js",
        "node_modules/express/index.js", "node_modules/.bin/next", "vite.config.ts",
        "tmp/restart.txt", "config/log/production.yml", "lib/pids/a.rb", "target/debug/server",
        "build/server", "dist/index.js", "cache/a.py", "words.db", "sqlite3.py"}) {
    EXPECT_FALSE(is_excluded(path)) << path;
  }
}

}  // namespace
}  // namespace hpp::watchd
